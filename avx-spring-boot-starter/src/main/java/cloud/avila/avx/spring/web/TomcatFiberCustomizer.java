package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ProtocolHandler;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanClassLoaderAware;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;
import org.springframework.core.env.Environment;

import java.util.concurrent.Executor;

/**
 * Gives each connector of a Tomcat an executor on the runtime. An executor that the application has
 * set stays; Spring Boot's for virtual threads does not.
 */
final class TomcatFiberCustomizer
        implements WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory>,
                Ordered,
                BeanClassLoaderAware {
    /** After Spring Boot's, which applies properties at 0 and sets virtual threads at 1. */
    static final int ORDER = 100;

    private static final String ACCEPT_COUNT = "server.tomcat.accept-count";

    /**
     * Workers that have something to do keep Tomcat's one acceptor from a processor for a while,
     * and the kernel drops what does not fit into the backlog meanwhile: such a client waits 200 ms
     * and more for its retransmission. Linux allows 4096.
     */
    private static final int MOST_TO_ACCEPT = 1024;

    private static final Log LOG = LogFactory.getLog(TomcatFiberCustomizer.class);

    private final AvxRuntime runtime;
    private final Environment environment;
    private @Nullable ClassLoader classLoader;

    TomcatFiberCustomizer(AvxRuntime runtime, Environment environment) {
        this.runtime = runtime;
        this.environment = environment;
    }

    @Override
    public void setBeanClassLoader(ClassLoader loader) {
        this.classLoader = loader;
    }

    @Override
    public int getOrder() {
        return ORDER;
    }

    @Override
    public void customize(ConfigurableTomcatWebServerFactory factory) {
        if (factory instanceof TomcatWebServerFactory f
                && f.getProtocol().equals(TomcatWebServerFactory.DEFAULT_PROTOCOL)) {
            f.setProtocol(FiberHttp11NioProtocol.class.getName());
        }
        // a connector's customizers run after the protocol's, and set max-connections and the like
        factory.addConnectorCustomizers(connector -> customize(connector.getProtocolHandler()));
    }

    private void customize(ProtocolHandler handler) {
        Executor present = handler.getExecutor();
        if (present != null && !(present instanceof VirtualThreadExecutor)) {
            LOG.info(
                    "Tomcat runs requests on the application's own "
                            + present.getClass().getName()
                            + " and not on AVX. To say so without this line, set"
                            + " avx.web.tomcat=off");
            return;
        }
        handler.setExecutor(executor(handler));
        if (handler instanceof AbstractProtocol<?> protocol && positive(ACCEPT_COUNT) == 0) {
            protocol.setAcceptCount(
                    Math.max(
                            protocol.getAcceptCount(),
                            Math.min(maxConnections(handler), MOST_TO_ACCEPT)));
        }
    }

    private TomcatRequestExecutor executor(ProtocolHandler handler) {
        int capacity = runtime.config().injectionQueueCapacity();
        int maxThreads = positive(TomcatRequestExecutor.MAX_THREADS);
        int maxQueue = positive(TomcatRequestExecutor.MAX_QUEUE_CAPACITY);
        return new TomcatRequestExecutor(
                runtime,
                () -> name(handler),
                classLoader,
                maxThreads > 0 ? maxThreads : maxConnections(handler),
                maxThreads > 0
                        ? TomcatRequestExecutor.MAX_THREADS
                        : TomcatRequestExecutor.MAX_CONNECTIONS,
                maxQueue > 0 ? Math.min(maxQueue, capacity) : capacity);
    }

    /** Spring Boot's own default is for platform threads, so only what the user wrote counts. */
    private int positive(String property) {
        return Binder.get(environment).bind(property, Integer.class).orElse(0);
    }

    /** As many as there are connections, so that none waits; HTTP/2 may want more. */
    private static int maxConnections(ProtocolHandler handler) {
        int connections =
                handler instanceof AbstractProtocol<?> protocol ? protocol.getMaxConnections() : -1;
        return connections > 0 ? connections : Integer.MAX_VALUE;
    }

    /** The name of Tomcat's own threads: it contains the port, so it is known once bound. */
    private static String name(ProtocolHandler handler) {
        return handler instanceof AbstractProtocol<?> protocol
                ? protocol.getName().replace("\"", "")
                : "tomcat";
    }
}
