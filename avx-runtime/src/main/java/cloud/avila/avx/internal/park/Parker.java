package cloud.avila.avx.internal.park;

import cloud.avila.avx.internal.sys.AddressWait;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.locks.LockSupport;

/**
 * Puts the calling thread to sleep and wakes others. Every wait of the runtime goes through here,
 * so that there is one place to change how threads sleep.
 *
 * <p>The contract is that of {@link LockSupport}: one permit a thread, a park may return for no
 * reason, returns at once when the thread is interrupted and leaves the interrupt status as it is.
 * Callers park in a loop around their condition. The permit is not the one of {@code LockSupport}:
 * only {@link #unpark} wakes who parks here.
 *
 * <p>Virtual threads park through {@code LockSupport}. So do platform threads, unless the system
 * property {@value #PROPERTY} is {@code address}: then they sleep in the operating system's wait on
 * an address ({@code futex} and its kin), where it has one. The property is read once. While a
 * thread sleeps in that way, the JVM shows it as runnable in a native call.
 */
public final class Parker {
    /** The system property that says how platform threads sleep. */
    public static final String PROPERTY = "avx.parker";

    private static final @Nullable AddressParker ADDRESS = addressParker();

    private Parker() {}

    private static @Nullable AddressParker addressParker() {
        String choice = System.getProperty(PROPERTY, "lock-support");
        switch (choice) {
            case "lock-support":
                return null;
            case "address":
                try {
                    return new AddressParker(AddressWait.open());
                } catch (UnsupportedOperationException e) {
                    System.getLogger(Parker.class.getName())
                            .log(
                                    System.Logger.Level.WARNING,
                                    PROPERTY
                                            + "=address: "
                                            + e.getMessage()
                                            + "; using LockSupport",
                                    e);
                    return null;
                }
            default:
                System.getLogger(Parker.class.getName())
                        .log(
                                System.Logger.Level.WARNING,
                                PROPERTY
                                        + "="
                                        + choice
                                        + " is not known (expected: lock-support or address); using"
                                        + " LockSupport");
                return null;
        }
    }

    /**
     * Waits for a permit.
     *
     * @param blocker what the thread waits on, for diagnosis
     */
    public static void park(Object blocker) {
        Object event = ParkEvents.begins();
        if (ADDRESS != null && !Thread.currentThread().isVirtual()) {
            ADDRESS.park(blocker, false, 0);
        } else {
            LockSupport.park(blocker);
        }
        ParkEvents.ended(event, blocker);
    }

    /**
     * Waits for a permit for a limited time.
     *
     * @param blocker what the thread waits on, for diagnosis
     * @param nanos the most nanoseconds to wait; returns at once when zero or negative
     */
    public static void parkNanos(Object blocker, long nanos) {
        Object event = ParkEvents.begins();
        if (ADDRESS != null && !Thread.currentThread().isVirtual()) {
            if (nanos > 0) {
                ADDRESS.park(blocker, true, Deadline.afterNanos(nanos));
            }
        } else {
            LockSupport.parkNanos(blocker, nanos);
        }
        ParkEvents.ended(event, blocker);
    }

    /**
     * Gives the thread its permit.
     *
     * @param thread the thread to wake; null does nothing
     */
    public static void unpark(@Nullable Thread thread) {
        if (ADDRESS != null && thread != null && !thread.isVirtual()) {
            ADDRESS.unpark(thread);
        } else {
            LockSupport.unpark(thread);
        }
    }

    /**
     * What a thread waits on.
     *
     * @param thread any thread
     * @return the blocker it gave, or null if it gave none or does not wait
     */
    public static @Nullable Object blockerOf(Thread thread) {
        return LockSupport.getBlocker(thread);
    }
}
