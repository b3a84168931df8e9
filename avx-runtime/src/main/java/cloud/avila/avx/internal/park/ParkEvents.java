package cloud.avila.avx.internal.park;

import org.jspecify.annotations.Nullable;

/**
 * Records waits of fibers, where the module {@code jdk.jfr} is there; the class of the event is
 * loaded only then. While nothing is recorded, each method is a test of a constant and of what the
 * JIT treats as one.
 *
 * <p>Only waits of virtual threads: the JDK records those of platform threads ({@code
 * jdk.ThreadPark}), and a worker that sleeps is no event.
 */
final class ParkEvents {
    private static final boolean PRESENT =
            ModuleLayer.boot()
                    .findModule("jdk.jfr")
                    .map(ParkEvents.class.getModule()::canRead)
                    .orElse(false);

    private ParkEvents() {}

    /**
     * The calling thread is about to wait.
     *
     * @return what to pass to {@link #ended}; null if it is not recorded
     */
    static @Nullable Object begins() {
        return PRESENT && ParkEvent.isOn() && Thread.currentThread().isVirtual()
                ? ParkEvent.begun()
                : null;
    }

    /** It has waited. */
    static void ended(@Nullable Object begun, Object blocker) {
        if (begun != null) {
            ParkEvent.ended(begun, blocker);
        }
    }
}
