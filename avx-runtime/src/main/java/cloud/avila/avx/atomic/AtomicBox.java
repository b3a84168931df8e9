package cloud.avila.avx.atomic;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A box that holds one value, which threads read and replace atomically.
 *
 * <p>What it adds to {@link java.util.concurrent.atomic.AtomicReference}: there always is a value,
 * never null; and a box can <i>own</i> its values ({@link #owning}), that is, have each of them
 * cleaned up once it is replaced or the box is closed. A value that is swapped out, or refused by a
 * compare-and-exchange, belongs to the caller and is not cleaned up. An owned value may be cleaned
 * up while another thread still uses what it has loaded before, so clean-up must bear that, as
 * closing a cache or cancelling a task does.
 *
 * <p>Memory effects are volatile unless a method says otherwise.
 *
 * @param <T> the type of the value
 */
public final class AtomicBox<T> implements AutoCloseable {
    /*
     * Overview
     *
     * `cell` holds the value, or CLOSED for good. All changes are compare-and-exchange or getAndSet,
     * so each value leaves the box in exactly one step and is cleaned up by the thread that took
     * that step. A release store reads the old value in opaque mode; the fence before clean-up lets
     * that see what the value's own store published.
     */

    private static final Object CLOSED = new Object();
    private static final VarHandle CELL;

    static {
        try {
            CELL = MethodHandles.lookup().findVarHandle(AtomicBox.class, "cell", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Consumer<? super T> cleanUp;
    private volatile Object cell;

    private AtomicBox(T initial, Consumer<? super T> cleanUp) {
        this.cell = requireNonNull(initial, "initial");
        this.cleanUp = requireNonNull(cleanUp, "cleanUp");
    }

    /**
     * A box whose values need no clean-up.
     *
     * @param initial the first value
     * @param <T> the type of the value
     * @return a new box
     */
    public static <T> AtomicBox<T> of(T initial) {
        return new AtomicBox<>(initial, value -> {});
    }

    /**
     * A box that cleans up what is replaced.
     *
     * @param initial the first value
     * @param cleanUp called once with each value that is replaced, and with the last one when the
     *     box is closed, by the thread that does so; what it throws reaches that thread
     * @param <T> the type of the value
     * @return a new box
     */
    public static <T> AtomicBox<T> owning(T initial, Consumer<? super T> cleanUp) {
        return new AtomicBox<>(initial, cleanUp);
    }

    /**
     * Reads the value.
     *
     * @return the value
     * @throws IllegalStateException if the box is closed
     */
    public T load() {
        return open(cell);
    }

    /**
     * Reads the value in acquire mode: what preceded its store is visible, but the read is not
     * ordered with earlier writes of this thread.
     *
     * @return the value
     * @throws IllegalStateException if the box is closed
     */
    public T loadAcquire() {
        return open(CELL.getAcquire(this));
    }

    /**
     * Replaces the value, and cleans the old one up if the box owns it.
     *
     * @param value the new value
     * @throws IllegalStateException if the box is closed; the new value still is the caller's
     */
    public void store(T value) {
        T old = swap(value);
        if (old != value) {
            cleanUp.accept(old);
        }
    }

    /**
     * Replaces the value in release mode, and cleans the old one up if the box owns it: what this
     * thread did before is visible to whoever reads the new value by {@link #loadAcquire()} or
     * {@link #load()}, but later reads of this thread may happen before the store. The order that
     * is enough to hand something over, and cheaper than {@link #store} on processors like ARM's.
     *
     * @param value the new value
     * @throws IllegalStateException if the box is closed; the new value still is the caller's
     */
    public void storeRelease(T value) {
        requireNonNull(value, "value");
        for (Object old = CELL.getOpaque(this); ; ) {
            T opened = open(old);
            Object seen = CELL.compareAndExchangeRelease(this, old, value);
            if (seen == old) {
                if (opened != value) {
                    VarHandle.acquireFence();
                    cleanUp.accept(opened);
                }
                return;
            }
            old = seen;
        }
    }

    /**
     * Replaces the value and takes the old one out, which now belongs to the caller.
     *
     * @param value the new value
     * @return the old value
     * @throws IllegalStateException if the box is closed; the new value still is the caller's
     */
    public T swap(T value) {
        requireNonNull(value, "value");
        for (Object old = cell; ; ) {
            T opened = open(old);
            Object seen = CELL.compareAndExchange(this, old, value);
            if (seen == old) {
                return opened;
            }
            old = seen;
        }
    }

    /**
     * Replaces the value, and cleans the old one up if the box owns it, provided that it is the
     * very object the caller expects.
     *
     * @param expected the expected value
     * @param value the new value
     * @return the value found: the change was made if it is {@code expected}
     * @throws IllegalStateException if the box is closed; the new value still is the caller's
     */
    public T compareExchange(T expected, T value) {
        requireNonNull(expected, "expected");
        requireNonNull(value, "value");
        T seen = open(CELL.compareAndExchange(this, expected, value));
        if (seen == expected && expected != value) {
            cleanUp.accept(expected);
        }
        return seen;
    }

    /**
     * As {@link #compareExchange}, reading in acquire mode and writing without order: what preceded
     * the store of the value found is visible, but what this thread did before is not published
     * with the new one. For taking over: a role, a turn.
     *
     * @param expected the expected value
     * @param value the new value
     * @return the value found: the change was made if it is {@code expected}
     * @throws IllegalStateException if the box is closed; the new value still is the caller's
     */
    public T compareExchangeAcquire(T expected, T value) {
        requireNonNull(expected, "expected");
        requireNonNull(value, "value");
        T seen = open(CELL.compareAndExchangeAcquire(this, expected, value));
        if (seen == expected && expected != value) {
            cleanUp.accept(expected);
        }
        return seen;
    }

    /**
     * As {@link #compareExchange}, writing in release mode and reading without order: what this
     * thread did before is published with the new value, but what preceded the store of the value
     * found need not be visible. For handing over, by one who has nothing to learn from what it
     * finds.
     *
     * @param expected the expected value
     * @param value the new value
     * @return the value found, to compare with {@code expected} and not to look into: the change
     *     was made if it is {@code expected}
     * @throws IllegalStateException if the box is closed; the new value still is the caller's
     */
    public T compareExchangeRelease(T expected, T value) {
        requireNonNull(expected, "expected");
        requireNonNull(value, "value");
        T seen = open(CELL.compareAndExchangeRelease(this, expected, value));
        if (seen == expected && expected != value) {
            VarHandle.acquireFence();
            cleanUp.accept(expected);
        }
        return seen;
    }

    /**
     * Replaces the value by a function of it, and cleans the old one up if the box owns it.
     *
     * @param change makes the new value from the current one; called again when another thread was
     *     faster, so it must have no other effect
     * @return the new value
     * @throws IllegalStateException if the box is closed
     */
    public T update(UnaryOperator<T> change) {
        for (Object old = cell; ; ) {
            T opened = open(old);
            T value = requireNonNull(change.apply(opened), "the changed value");
            Object seen = CELL.compareAndExchange(this, old, value);
            if (seen == old) {
                if (opened != value) {
                    cleanUp.accept(opened);
                }
                return value;
            }
            old = seen;
        }
    }

    /**
     * Whether the box was closed.
     *
     * @return true once there is no value
     */
    public boolean isClosed() {
        return cell == CLOSED;
    }

    /** Takes the value out for good and cleans it up if the box owns it. Once. */
    @Override
    public void close() {
        Object old = CELL.getAndSet(this, CLOSED);
        if (old != CLOSED) {
            cleanUp.accept(open(old));
        }
    }

    /**
     * Describes the box for a log.
     *
     * @return its value
     */
    @Override
    public String toString() {
        Object value = cell;
        return value == CLOSED ? "AtomicBox[closed]" : "AtomicBox[" + value + "]";
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // only T and CLOSED are stored
    private T open(Object value) {
        if (value == CLOSED) {
            throw new IllegalStateException("the box is closed and holds no value");
        }
        return (T) value;
    }
}
