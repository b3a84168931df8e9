package cloud.avila.avx.task;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;

/**
 * Where one task leaves its waker for others to find: the building block of futures that wait for
 * something. Neither side can lose a wake-up if each goes in this order:
 *
 * <ul>
 *   <li>who waits, in its poll: {@link #register}, then look whether it still has to wait;
 *   <li>who has something: make it visible, then {@link #wake}.
 * </ul>
 *
 * <p>Thread-safe and never blocks. One task waits at a time: registering replaces what was
 * registered. Any number of threads may wake. What a thread did before {@code wake} happens-before
 * what follows the {@code register} that it did not find, or the poll that it causes; so what is
 * looked at may be a plain field, if only one thread at a time writes it.
 */
public final class WakerCell {
    /*
     * Overview.
     *
     * One field: the waker that waits, or null. Both sides exchange it, register against the waker,
     * wake against null. Exchanges of one field have one order. If that of wake comes later it finds
     * the waker. If it comes first, register reads what it, or an exchange after it, has written, so
     * what was done before the wake-up is visible to the look that follows the registration.
     *
     * A waker that is registered already is left alone without an exchange: a wake-up that has not
     * taken it comes later, and finds it.
     *
     * wake exchanges even when it has read null: the order of its read and of what was written before
     * it would need a fence, which costs as much, and the exchange is what register reads.
     */

    private static final VarHandle WAKER;

    static {
        try {
            WAKER = MethodHandles.lookup().findVarHandle(WakerCell.class, "waker", Waker.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile @Nullable Waker waker;

    /** An empty cell. */
    public WakerCell() {}

    /**
     * Leaves a waker, in place of the one left before. After this, look again whether there is
     * anything to wait for.
     *
     * @param newWaker the polled task's waker
     */
    public void register(Waker newWaker) {
        Objects.requireNonNull(newWaker, "waker");
        if (waker != newWaker) {
            WAKER.getAndSet(this, newWaker);
        }
    }

    /**
     * Takes the waker out and wakes it, if there is one.
     *
     * @return whether there was one
     */
    public boolean wake() {
        Waker taken = take();
        if (taken == null) {
            return false;
        }
        taken.wake();
        return true;
    }

    /**
     * Takes the waker out: to wake it later, or because nobody waits any more.
     *
     * @return the waker, or null if there was none
     */
    public @Nullable Waker take() {
        return (Waker) WAKER.getAndSet(this, null);
    }

    @Override
    public String toString() {
        return "WakerCell[" + (waker == null ? "empty" : "registered") + "]";
    }
}
