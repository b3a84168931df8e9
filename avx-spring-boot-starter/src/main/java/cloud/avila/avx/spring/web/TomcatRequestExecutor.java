package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;

import org.apache.tomcat.util.threads.ResizableExecutor;
import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/**
 * The executor of one Tomcat connector. As Tomcat's own pool, it tells JMX and metrics how many
 * threads there are, which here are fibers that live as long as a request is worked on; so all of
 * them are busy.
 */
final class TomcatRequestExecutor extends RequestExecutor implements ResizableExecutor {
    static final String MAX_THREADS = "server.tomcat.threads.max";
    static final String MAX_QUEUE_CAPACITY = "server.tomcat.threads.max-queue-capacity";
    static final String MAX_CONNECTIONS = "server.tomcat.max-connections";

    TomcatRequestExecutor(
            AvxRuntime runtime,
            Supplier<String> name,
            @Nullable ClassLoader contextClassLoader,
            int limit,
            String limitProperty,
            int queueCapacity) {
        super(
                runtime,
                name,
                contextClassLoader,
                limit,
                limitProperty,
                queueCapacity,
                MAX_QUEUE_CAPACITY);
    }

    @Override
    public int getPoolSize() {
        return running();
    }

    @Override
    public int getMaxThreads() {
        return limit();
    }

    @Override
    public int getActiveCount() {
        return running();
    }

    /**
     * Changes how many requests may run at once.
     *
     * @param corePoolSize ignored, as there is nothing to keep ready
     * @param maximumPoolSize the new bound
     * @return false if that is less than 1
     */
    @Override
    public boolean resizePool(int corePoolSize, int maximumPoolSize) {
        if (maximumPoolSize < 1) {
            return false;
        }
        limit(maximumPoolSize);
        return true;
    }

    @Override
    public boolean resizeQueue(int capacity) {
        if (capacity < 0) {
            return false;
        }
        queueCapacity(capacity);
        return true;
    }
}
