package cloud.avila.avx.sync;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * A place for one value that the first who wants it makes, with code that may wait: a connection, a
 * configuration that is fetched. Whoever wants it meanwhile waits.
 *
 * {@snippet :
 * Connection c = cell.getOrInit(() -> connect(host));
 * }
 *
 * <p>If that code fails, its caller alone gets the exception, and the next in line tries with the
 * code that it brought. That code runs in the thread that called {@link #getOrInit}, once at a
 * time; after one has succeeded, never again.
 *
 * <p>What the code did happens-before what follows in a thread that gets the value. All methods may
 * be called from fibers, other virtual threads and platform threads.
 *
 * @param <T> the type of the value
 */
public final class OnceCell<T> {
    /*
     * Overview
     *
     * `cell` is null, or the Turn of the thread that makes the value, or the value for good.
     *
     *   null -> Turn    thread that finds nobody in line, or server     compare-and-set
     *   null -> value   set                                             compare-and-set
     *   Turn -> null    its thread, after a failure                     volatile write
     *                   server, when the waiter had withdrawn           volatile write
     *   Turn -> value   its thread                                      volatile write
     *
     * Nobody but its thread changes a cell that holds a Turn, once that thread was granted RUN.
     * Whoever writes null or the value looks at the queues afterwards. serve() of `line` gives the
     * cell to the first, or tells all that there is a value. WaitQueue says why no wake-up is lost.
     */

    private static final int RUN = Waiter.GRANTED;
    private static final int READY = Waiter.GRANTED + 1;
    private static final VarHandle CELL;

    static {
        try {
            CELL = MethodHandles.lookup().findVarHandle(OnceCell.class, "cell", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Line line = new Line();
    private final Audience audience = new Audience();
    private volatile @Nullable Object cell;

    /**
     * What makes the value.
     *
     * @param <T> the type of the value
     * @param <X> what it may throw
     */
    @FunctionalInterface
    public interface Init<T, X extends Exception> {
        /**
         * Makes the value. May wait.
         *
         * @return the value, not null
         * @throws X if it fails
         * @throws InterruptedException if interrupted, which is a failure like any other
         */
        T get() throws X, InterruptedException;
    }

    /** Without a value. */
    public OnceCell() {}

    /**
     * The value, which is made if there is none. Waits while another thread makes it.
     *
     * @param init what makes the value, run in the calling thread if it is this thread's turn
     * @param <X> what {@code init} may throw
     * @return the value
     * @throws X if {@code init} was run and failed; there still is no value
     * @throws InterruptedException if the calling thread is interrupted while it waits, or {@code
     *     init} threw it
     * @throws IllegalStateException if called by {@code init} itself, directly or not, in the same
     *     thread: it would wait for itself
     * @throws NullPointerException if {@code init} returned null; there still is no value
     */
    public <X extends Exception> T getOrInit(Init<? extends T, X> init)
            throws X, InterruptedException {
        T value = get();
        if (value != null) {
            return value;
        }
        Turn turn = begin();
        if (cell != turn) {
            line.add(turn);
            if (line.await(turn, turn) == READY) {
                return requireNonNull(get());
            }
        }
        return run(init);
    }

    /**
     * The value, which is made if there is none. Waits for a limited time while another thread
     * makes it.
     *
     * @param init what makes the value, run in the calling thread if it is this thread's turn; its
     *     own time is not limited
     * @param timeout the longest wait for others; zero or less does not wait
     * @param <X> what {@code init} may throw
     * @return the value
     * @throws X if {@code init} was run and failed; there still is no value
     * @throws TimeoutException if others had not made a value in all that time
     * @throws InterruptedException if the calling thread is interrupted while it waits, or {@code
     *     init} threw it
     * @throws IllegalStateException if called by {@code init} itself, directly or not, in the same
     *     thread: it would wait for itself
     * @throws NullPointerException if {@code init} returned null; there still is no value
     */
    public <X extends Exception> T getOrInit(Init<? extends T, X> init, Duration timeout)
            throws X, TimeoutException, InterruptedException {
        T value = get();
        if (value != null) {
            return value;
        }
        Turn turn = begin();
        if (cell != turn) {
            line.add(turn);
            int outcome = line.awaitUntil(turn, turn, Deadline.after(timeout));
            if (outcome == READY) {
                return requireNonNull(get());
            }
            if (outcome == Waiter.WITHDRAWN) {
                throw new TimeoutException("others did not make the value within " + timeout);
            }
        }
        return run(init);
    }

    /**
     * Sets the value, unless there is one or somebody is making it.
     *
     * @param value the value
     * @return false if it was not set
     */
    public boolean trySet(T value) {
        if (!CELL.compareAndSet(this, null, requireNonNull(value, "value"))) {
            return false;
        }
        tell();
        return true;
    }

    /**
     * The value.
     *
     * @return null if there is none yet
     */
    @SuppressWarnings("unchecked") // besides turns, only T is stored
    public @Nullable T get() {
        Object c = cell;
        return c instanceof Turn ? null : (@Nullable T) c;
    }

    /**
     * Whether there is a value.
     *
     * @return true from then on
     */
    public boolean isSet() {
        return get() != null;
    }

    /**
     * Waits until there is a value, without making one.
     *
     * @return the value
     * @throws InterruptedException if the calling thread is interrupted
     */
    public T await() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!isSet()) {
            var w = new Waiter();
            audience.add(w);
            audience.await(w, this);
        }
        return requireNonNull(get());
    }

    /**
     * Waits for a limited time until there is a value, without making one.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the value
     * @throws InterruptedException if the calling thread is interrupted
     * @throws TimeoutException if there was none in all that time
     */
    public T await(Duration timeout) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!isSet() && timeout.isPositive()) {
            var w = new Waiter();
            audience.add(w);
            audience.awaitUntil(w, this, Deadline.after(timeout));
        }
        T value = get();
        if (value == null) {
            throw new TimeoutException("there was no value within " + timeout);
        }
        return value;
    }

    /**
     * Describes the cell for a log.
     *
     * @return its value, or who makes it
     */
    @Override
    public String toString() {
        Object c = cell;
        if (c == null) {
            return "OnceCell[not set]";
        }
        return "OnceCell["
                + (c instanceof Turn t ? "being set by \"" + t.thread().getName() + "\"" : c)
                + "]";
    }

    /** A turn for the calling thread, which is in the cell already if nobody was before it. */
    private Turn begin() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        var turn = new Turn(this);
        Object c = cell;
        if (c == null) {
            if (line.isEmpty()) {
                CELL.compareAndSet(this, null, turn);
            }
        } else if (c instanceof Turn t
                && t.thread() == turn.thread()
                && t.outcome() != Waiter.WITHDRAWN) { // else the server is about to take it out
            throw new IllegalStateException(
                    "\""
                            + t.thread().getName()
                            + "\" is making the value of this cell and asks for it meanwhile: it"
                            + " would wait for itself");
        }
        return turn;
    }

    /** Makes the value, with the cell holding this thread's turn. */
    private <X extends Exception> T run(Init<? extends T, X> init) throws X, InterruptedException {
        T made = null;
        try {
            made = requireNonNull(init.get(), "the value that was made");
            return made;
        } finally {
            cell = made;
            tell();
        }
    }

    private void tell() {
        if (!line.isEmpty()) {
            line.service();
        }
        if (!audience.isEmpty()) {
            audience.service();
        }
    }

    /** Of one thread, to make the value; in the cell while it does. */
    private static final class Turn extends Waiter implements Blocker {
        private final OnceCell<?> of;

        Turn(OnceCell<?> of) {
            this.of = of;
        }

        @Override
        public @Nullable Thread holder() {
            return of.cell instanceof Turn t ? t.thread() : null;
        }

        @Override
        public String toString() {
            return of.toString();
        }
    }

    /** Those who would make the value. */
    private final class Line extends WaitQueue<Turn> {
        @Override
        protected void serve() {
            for (Turn t; (t = first()) != null; ) {
                Object c = cell;
                if (c == null) {
                    if (CELL.compareAndSet(OnceCell.this, null, t)) {
                        if (grant(t, RUN)) {
                            return;
                        }
                        cell = null;
                    }
                } else if (c instanceof Turn) {
                    return;
                } else {
                    grant(t, READY);
                }
            }
        }
    }

    /** Those who wait for it only. */
    private final class Audience extends WaitQueue<Waiter> {
        @Override
        protected void serve() {
            for (Waiter w; isSet() && (w = first()) != null; ) {
                grant(w, READY);
            }
        }
    }
}
