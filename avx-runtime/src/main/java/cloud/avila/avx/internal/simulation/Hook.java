package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.fiber.JdkHook;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongBinaryOperator;

/** Answers rewritten code: for the threads of a simulation from it, else with the real thing. */
final class Hook implements LongBinaryOperator {
    private static final AtomicBoolean INSTALLED = new AtomicBoolean();
    private static final long MILLI = 1_000_000L;
    private static final long SECOND = 1_000_000_000L;

    private Hook() {}

    static void install() {
        if (INSTALLED.compareAndSet(false, true)) {
            JdkHook.answerWith(new Hook());
        }
    }

    @Override
    public long applyAsLong(long what, long argument) {
        SimulatedScheduler simulation =
                Carrier.current() instanceof SimulatedThread thread ? thread.simulated : null;
        if (what == JdkHook.SCHEDULING_POINT) {
            if (simulation != null && simulation.givesWay()) {
                Thread.yield();
            }
            return 0;
        }
        if (what == JdkHook.SPIN_WAIT) {
            if (simulation != null && simulation.mayGiveWay()) {
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
            return 0;
        }
        if (what == JdkHook.INITIALISER) {
            if (simulation != null) {
                simulation.initialises((int) argument);
            }
            return 0;
        }
        return simulation == null
                ? JdkHook.THE_REAL_THING
                : answer(simulation, (int) what, argument);
    }

    private static long answer(SimulatedScheduler simulation, int what, long argument) {
        return switch (what) {
            case JdkHook.NANO_TIME -> simulation.nanoTime();
            case JdkHook.CURRENT_TIME_MILLIS -> simulation.epochNanos() / MILLI;
            case JdkHook.NANO_TIME_ADJUSTMENT -> adjustment(simulation.epochNanos(), argument);
            case JdkHook.THREAD_NUMBER -> simulation.currentNumber();
            default -> throw new IllegalArgumentException("asked for " + what);
        };
    }

    /** As the JDK: -1 if the result would leave 2^32 seconds to either side. */
    private static long adjustment(long epochNanos, long seconds) {
        long difference = epochNanos / SECOND - seconds;
        return Math.abs(difference) >= 1L << 32 ? -1 : difference * SECOND + epochNanos % SECOND;
    }
}
