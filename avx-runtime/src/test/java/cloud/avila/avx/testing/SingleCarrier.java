package cloud.avila.avx.testing;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Runs virtual threads on one platform thread, one after the other in the order of submission, so
 * that which of them runs is decided by who yields and who parks.
 */
public final class SingleCarrier implements AutoCloseable {
    private static final MethodHandle NEW_VIRTUAL_THREAD;

    static {
        try {
            var builders = Class.forName("java.lang.ThreadBuilders");
            NEW_VIRTUAL_THREAD =
                    MethodHandles.privateLookupIn(builders, MethodHandles.lookup())
                            .findStatic(
                                    builders,
                                    "newVirtualThread",
                                    MethodType.methodType(
                                            Thread.class,
                                            Executor.class,
                                            String.class,
                                            int.class,
                                            Runnable.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final ExecutorService executor =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());

    /** Starts a virtual thread on this carrier. */
    public Thread start(Runnable body) {
        try {
            Thread t = (Thread) NEW_VIRTUAL_THREAD.invoke((Executor) executor, "single", 0, body);
            t.start();
            return t;
        } catch (Throwable e) {
            throw new AssertionError("no virtual thread on an own scheduler", e);
        }
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
