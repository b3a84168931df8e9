package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ThreadPool;
import org.eclipse.jetty.util.thread.VirtualThreadPool;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanClassLoaderAware;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.jetty.ConfigurableJettyWebServerFactory;
import org.springframework.boot.jetty.JettyWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;
import org.springframework.core.env.Environment;

/**
 * Gives a Jetty fibers of the runtime where it would use virtual threads: for requests. Its
 * selectors and acceptors wait without end and stay on the platform threads of its pool, so a pool
 * of virtual threads only is replaced. A pool of the application's own kind stays.
 */
final class JettyFiberCustomizer
        implements WebServerFactoryCustomizer<ConfigurableJettyWebServerFactory>,
                Ordered,
                BeanClassLoaderAware {
    /** After Spring Boot's, which applies properties at 0 and sets virtual threads at 1. */
    static final int ORDER = 100;

    static final String MAX_THREADS = "server.jetty.threads.max";
    static final String MAX_QUEUE_CAPACITY = "server.jetty.threads.max-queue-capacity";

    private static final Log LOG = LogFactory.getLog(JettyFiberCustomizer.class);

    private final AvxRuntime runtime;
    private final Environment environment;
    private @Nullable ClassLoader classLoader;

    JettyFiberCustomizer(AvxRuntime runtime, Environment environment) {
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
    public void customize(ConfigurableJettyWebServerFactory factory) {
        ThreadPool present = factory instanceof JettyWebServerFactory f ? f.getThreadPool() : null;
        QueuedThreadPool pool;
        if (present == null || present instanceof VirtualThreadPool) {
            pool = new QueuedThreadPool();
            factory.setThreadPool(pool);
        } else if (present instanceof QueuedThreadPool p && p.getVirtualThreadsExecutor() == null) {
            pool = p;
        } else {
            LOG.info(
                    "Jetty runs requests on the application's own "
                            + present.getClass().getName()
                            + " and not on AVX. To say so without this line, set"
                            + " avx.web.jetty=off");
            return;
        }
        pool.setVirtualThreadsExecutor(executor());
    }

    private RequestExecutor executor() {
        int capacity = runtime.config().injectionQueueCapacity();
        int maxThreads = positive(MAX_THREADS, Integer.MAX_VALUE);
        int maxQueue = Math.min(positive(MAX_QUEUE_CAPACITY, capacity), capacity);
        return new RequestExecutor(
                runtime,
                () -> "jetty",
                classLoader,
                maxThreads,
                MAX_THREADS,
                maxQueue,
                MAX_QUEUE_CAPACITY);
    }

    /** Jetty's own defaults are for platform threads, so only what the user has written counts. */
    private int positive(String property, int otherwise) {
        int value = Binder.get(environment).bind(property, Integer.class).orElse(otherwise);
        return value > 0 ? value : otherwise;
    }
}
