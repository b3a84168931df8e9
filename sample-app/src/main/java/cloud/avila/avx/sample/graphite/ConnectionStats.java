package cloud.avila.avx.sample.graphite;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** What became of every connection, counted since start. Thread-safe. */
public final class ConnectionStats {
    private final AtomicInteger open = new AtomicInteger();
    private final LongAdder accepted = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder timedOut = new LongAdder();
    private final LongAdder failed = new LongAdder();

    ConnectionStats() {}

    boolean opened(int max) {
        if (open.incrementAndGet() > max) {
            open.decrementAndGet();
            refused.increment();
            return false;
        }
        accepted.increment();
        return true;
    }

    void closed() {
        open.decrementAndGet();
    }

    void countTimeout() {
        timedOut.increment();
    }

    void countFailure() {
        failed.increment();
    }

    /**
     * Connections open now.
     *
     * @return their number
     */
    public int open() {
        return open.get();
    }

    /**
     * Connections taken.
     *
     * @return their number
     */
    public long accepted() {
        return accepted.sum();
    }

    /**
     * Connections closed at once because there were too many.
     *
     * @return their number
     */
    public long refused() {
        return refused.sum();
    }

    /**
     * Connections closed because they were silent or slow.
     *
     * @return their number
     */
    public long timedOut() {
        return timedOut.sum();
    }

    /**
     * Connections that broke.
     *
     * @return their number
     */
    public long failed() {
        return failed.sum();
    }
}
