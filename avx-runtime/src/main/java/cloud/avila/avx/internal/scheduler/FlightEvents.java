package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

/**
 * Events for the JDK's flight recorder, where the module {@code jdk.jfr} is there. Each is a class
 * of its own, which is loaded only then.
 *
 * <p>Committing an event may lock, so it is done only where a fiber may unmount: not between {@code
 * enter} and {@code leave} of a {@link WorkerThread}.
 *
 * <p>While nothing is recorded, each method here is a test of a constant and of a field that the
 * JIT treats as one.
 */
final class FlightEvents {
    private static final boolean PRESENT =
            ModuleLayer.boot()
                    .findModule("jdk.jfr")
                    .map(FlightEvents.class.getModule()::canRead)
                    .orElse(false);

    private FlightEvents() {}

    /**
     * Loads what every task asks for: once a recorder runs, loading an event's class runs its code,
     * which must not happen inside a slot.
     */
    static void load() {
        if (PRESENT) {
            TaskEvent.isOn();
        }
    }

    /** Whether tasks are recorded now. */
    static boolean recordsTasks() {
        return PRESENT && TaskEvent.isOn();
    }

    /**
     * A task begins.
     *
     * @return what to pass to {@link #taskEnded}; null if it is not recorded
     */
    static @Nullable Object taskBegins(TrackedTask task, String runtime) {
        return PRESENT && TaskEvent.isOn() ? TaskEvent.begun(task, runtime) : null;
    }

    /** A task has ended. */
    static void taskEnded(@Nullable Object begun, TrackedTask task) {
        if (begun != null) {
            TaskEvent.ended(begun, task);
        }
    }

    /** A worker is on one piece of work for too long. */
    static void stall(
            String runtime, String worker, String work, long busyNanos, StackTraceElement[] stack) {
        if (PRESENT) {
            StallEvent.record(runtime, worker, work, busyNanos, stack);
        }
    }

    /** A worker got another thread. */
    static void takeOver(String runtime, int worker, String from, String to) {
        if (PRESENT) {
            TakeOverEvent.record(runtime, worker, from, to);
        }
    }

    /** The system refuses a driver. */
    static void driverFallback(
            String runtime, String wanted, String used, @Nullable String reason) {
        if (PRESENT) {
            DriverFallbackEvent.record(runtime, wanted, used, reason);
        }
    }

    /** A task was refused. */
    static void reject(String runtime, @Nullable String why) {
        if (PRESENT) {
            RejectEvent.record(runtime, why);
        }
    }
}
