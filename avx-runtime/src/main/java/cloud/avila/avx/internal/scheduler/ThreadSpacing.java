package cloud.avila.avx.internal.scheduler;

import java.util.concurrent.CountDownLatch;

/**
 * Starts worker threads so that what the JVM writes for each of them lies on cache lines of its
 * own.
 *
 * <p>HotSpot keeps four references of every platform thread, 32 bytes, in an array that all threads
 * share ({@code OopStorage}); they are allotted when the thread starts. One of them is the virtual
 * thread that the platform thread carries, written at every mount and unmount. Two workers started
 * one after the other share a cache line, and each switch of a fiber on one takes the line from the
 * other. Three threads in between put 128 bytes between them, two lines, for processors that fetch
 * lines in pairs. They end as soon as the last worker has started.
 *
 * <p>Numbers: docs/adr/0005-space-between-workers.md.
 */
final class ThreadSpacing implements AutoCloseable {
    private static final int THREADS_BETWEEN = 3;

    private final CountDownLatch started = new CountDownLatch(1);
    private final String name;

    /**
     * @param name prefix of the names of the threads in between
     */
    ThreadSpacing(String name) {
        this.name = name;
    }

    void start(Thread worker) {
        leaveSpace();
        worker.start();
    }

    private void leaveSpace() {
        for (int i = 0; i < THREADS_BETWEEN; i++) {
            Thread between = new Thread(null, this::await, name + "-spacing", 64 << 10, false);
            between.setDaemon(true);
            between.start();
        }
    }

    private void await() {
        try {
            started.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // ends earlier: costs speed at most
        }
    }

    /** Leaves space behind the last worker, and lets the threads in between end. */
    @Override
    public void close() {
        leaveSpace();
        started.countDown();
    }
}
