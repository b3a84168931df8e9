package cloud.avila.avx.atomic;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.LongAdder;

/**
 * A counter that many threads change.
 *
 * <p>{@link #striped()} is for counting: threads that contend add to stripes of their own, so
 * counting stays fast, and {@link #get()} sums the stripes up. The sum is exact when nobody changes
 * the counter meanwhile; otherwise it contains every change that was complete before the call, and
 * may contain those under way. {@link #exact()} is for deciding: it also tells the value that a
 * change led to.
 */
public abstract sealed class AtomicCounter {
    private AtomicCounter() {}

    /**
     * A counter that is cheap to change, at zero.
     *
     * @return a new counter
     */
    public static AtomicCounter striped() {
        return new Striped();
    }

    /**
     * A counter whose every change is one atomic step, at zero.
     *
     * @return a new counter
     */
    public static Exact exact() {
        return new Exact();
    }

    /**
     * Adds a number.
     *
     * @param n what to add, may be negative; overflow wraps around
     */
    public abstract void add(long n);

    /** Adds one. */
    public void increment() {
        add(1);
    }

    /** Subtracts one. */
    public void decrement() {
        add(-1);
    }

    /**
     * The count.
     *
     * @return the sum of all that was added, see the class
     */
    public abstract long get();

    /**
     * Takes the count out, so that counting goes on at zero: for what is counted by interval. No
     * change is lost or taken twice; one under way is in this count or in the next.
     *
     * @return what was counted since the last time
     */
    public abstract long getAndReset();

    /**
     * Describes the counter for a log.
     *
     * @return the count
     */
    @Override
    public String toString() {
        return Long.toString(get());
    }

    private static final class Striped extends AtomicCounter {
        private final LongAdder adder = new LongAdder();

        @Override
        public void add(long n) {
            adder.add(n);
        }

        @Override
        public long get() {
            return adder.sum();
        }

        @Override
        public long getAndReset() {
            return adder.sumThenReset(); // takes each stripe by an atomic exchange
        }
    }

    /** A counter whose every change is one atomic step. */
    public static final class Exact extends AtomicCounter {
        private static final VarHandle VALUE;

        static {
            try {
                VALUE = MethodHandles.lookup().findVarHandle(Exact.class, "value", long.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        private volatile long value;

        private Exact() {}

        @Override
        public void add(long n) {
            VALUE.getAndAdd(this, n);
        }

        @Override
        public long get() {
            return value;
        }

        @Override
        public long getAndReset() {
            return (long) VALUE.getAndSet(this, 0L);
        }

        /**
         * Adds a number.
         *
         * @param n what to add, may be negative; overflow wraps around
         * @return the count after that
         */
        public long addAndGet(long n) {
            return (long) VALUE.getAndAdd(this, n) + n;
        }

        /**
         * Adds one.
         *
         * @return the count after that
         */
        public long incrementAndGet() {
            return addAndGet(1);
        }

        /**
         * Subtracts one.
         *
         * @return the count after that
         */
        public long decrementAndGet() {
            return addAndGet(-1);
        }

        /**
         * Sets the count if it is what the caller expects.
         *
         * @param expected the expected count
         * @param changed the new count
         * @return the count found: the change was made if it equals {@code expected}
         */
        public long compareExchange(long expected, long changed) {
            return (long) VALUE.compareAndExchange(this, expected, changed);
        }
    }
}
