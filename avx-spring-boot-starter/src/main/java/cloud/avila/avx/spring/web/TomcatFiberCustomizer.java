package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;

import org.apache.catalina.connector.Connector;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ProtocolHandler;
import org.apache.coyote.UpgradeProtocol;
import org.apache.coyote.http2.Http2Protocol;
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
 * Gives each connector of a Tomcat that uses NIO an executor on the runtime. An executor that the
 * application has set stays; Spring Boot's for virtual threads does not.
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

    /** Tomcat's default for threads of a connector, which is for platform threads. */
    private static final int TOMCATS_THREADS = 200;

    /** Tomcat's default for the streams of one HTTP/2 connection that are worked on at once. */
    static final int STREAMS_AT_ONCE = 20;

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
        TomcatWebServerFactory server = factory instanceof TomcatWebServerFactory f ? f : null;
        if (server != null
                && server.getProtocol().equals(TomcatWebServerFactory.DEFAULT_PROTOCOL)) {
            server.setProtocol(FiberHttp11NioProtocol.class.getName());
        }
        // a connector's customizers run after the protocol's, and set max-connections and the like
        factory.addConnectorCustomizers(
                connector -> {
                    customize(connector.getProtocolHandler(), true);
                    if (server != null) {
                        // to these Spring Boot applies no customizer; all have been added by now
                        for (Connector more : server.getAdditionalConnectors()) {
                            customize(more.getProtocolHandler(), false);
                        }
                    }
                });
    }

    private void customize(ProtocolHandler handler, boolean ofSpringBoot) {
        Executor present = handler.getExecutor();
        if (present instanceof TomcatRequestExecutor) {
            return; // the factory makes its second server
        }
        if (isNio2(handler)) {
            LOG.info(
                    "Tomcat's connector "
                            + name(handler)
                            + " runs requests on its own threads and not on AVX, because NIO2 needs"
                            + " an executor to itself. Connectors of NIO, the default, run on AVX."
                            + " To say so without this line, set avx.web.tomcat=off");
            return;
        }
        boolean ofVirtualThreads = ofSpringBoot && present instanceof VirtualThreadExecutor;
        if (present != null && !ofVirtualThreads) {
            LOG.info(
                    "Tomcat runs requests on the application's own "
                            + present.getClass().getName()
                            + " and not on AVX. To say so without this line, set"
                            + " avx.web.tomcat=off");
            return;
        }
        int own = ofSpringBoot ? 0 : maxThreads(handler);
        int written = positive(TomcatRequestExecutor.MAX_THREADS);
        if (own > 0) {
            handler.setExecutor(executor(handler, own, "maxThreads of the connector"));
        } else if (written > 0) {
            handler.setExecutor(executor(handler, written, TomcatRequestExecutor.MAX_THREADS));
        } else {
            handler.setExecutor(
                    executor(
                            handler,
                            maxConnections(handler),
                            ofSpringBoot
                                    ? TomcatRequestExecutor.MAX_CONNECTIONS
                                    : "maxConnections of the connector"));
            runEveryStream(handler);
        }
        if (handler instanceof AbstractProtocol<?> protocol && positive(ACCEPT_COUNT) == 0) {
            protocol.setAcceptCount(
                    Math.max(
                            protocol.getAcceptCount(),
                            Math.min(maxConnections(handler), MOST_TO_ACCEPT)));
        }
    }

    /**
     * Tomcat works on some of the streams that a connection may have, so that one connection does
     * not take all of a pool; where nothing bounds the fibers, nothing is gained by that. Another
     * number is the application's.
     */
    private static void runEveryStream(ProtocolHandler handler) {
        for (UpgradeProtocol upgrade : handler.findUpgradeProtocols()) {
            if (upgrade instanceof Http2Protocol http2
                    && http2.getMaxConcurrentStreamExecution() == STREAMS_AT_ONCE) {
                http2.setMaxConcurrentStreamExecution(
                        (int) Math.min(http2.getMaxConcurrentStreams(), Integer.MAX_VALUE));
            }
        }
    }

    /**
     * NIO2 runs requests on the threads of its channel group, which must be an {@code
     * ExecutorService} that nobody else uses and that refuses nothing: with a refused task the
     * acceptor would end. Found by name, as later versions of Tomcat do not have it.
     */
    private static boolean isNio2(ProtocolHandler handler) {
        for (Class<?> c = handler.getClass(); c != null; c = c.getSuperclass()) {
            if (c.getSimpleName().endsWith("Nio2Protocol")
                    && c.getName().startsWith("org.apache.coyote.")) {
                return true;
            }
        }
        return false;
    }

    private TomcatRequestExecutor executor(ProtocolHandler handler, int limit, String setting) {
        int capacity = runtime.config().injectionQueueCapacity();
        int maxQueue = positive(TomcatRequestExecutor.MAX_QUEUE_CAPACITY);
        return new TomcatRequestExecutor(
                runtime,
                () -> name(handler),
                classLoader,
                limit,
                setting,
                maxQueue > 0 ? Math.min(maxQueue, capacity) : capacity);
    }

    /** What the application has set for a connector that it has made itself, or 0. */
    private static int maxThreads(ProtocolHandler handler) {
        int threads =
                handler instanceof AbstractProtocol<?> protocol ? protocol.getMaxThreads() : 0;
        return threads == TOMCATS_THREADS ? 0 : threads;
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
