package cloud.avila.avx.internal.timer;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

import java.util.concurrent.atomic.AtomicInteger;

/** Races of a wheel on a clock that stands still: adding, cancelling, firing. */
public final class TimerWheelStress {
    private static final long LATER = 1_000_000;

    private TimerWheelStress() {}

    private abstract static class Fixture {
        final AtomicInteger fired = new AtomicInteger();
        final TimerWheel wheel = new TimerWheel(() -> 0);

        Timer timer(long deadline) {
            return new Timer(wheel, fired::getAndIncrement, deadline);
        }
    }

    /** Fired, or cancelled, exactly once; nothing is left. */
    @JCStressTest
    @Outcome(id = "1, 0, 0", expect = Expect.ACCEPTABLE, desc = "fired")
    @Outcome(id = "0, 1, 0", expect = Expect.ACCEPTABLE, desc = "cancelled")
    @State
    public static class FireAgainstCancel extends Fixture {
        private final Timer timer = timer(1);
        private boolean cancelled;

        {
            wheel.add(timer, 0);
        }

        @Actor
        public void fire() {
            wheel.advance(LATER);
        }

        @Actor
        public void cancel() {
            cancelled = timer.cancel(false);
        }

        @Arbiter
        public void check(III_Result r) {
            wheel.advance(LATER);
            r.r1 = fired.get();
            r.r2 = cancelled && wheel.cancelled() == 1 ? 1 : 0;
            r.r3 = (int) wheel.pending();
        }
    }

    /** Cancels and adds that find the wheel locked leave nothing behind. */
    @JCStressTest
    @Outcome(id = "2, 0, 1", expect = Expect.ACCEPTABLE, desc = "both cancelled, wheel empty")
    @State
    public static class CancelAgainstAddAndCancel extends Fixture {
        private final Timer timer = timer(1);
        private final Timer other = timer(LATER * 1000);

        {
            wheel.add(timer, 0);
        }

        @Actor
        public void cancel() {
            timer.cancel(false);
        }

        @Actor
        public void addAndCancel() {
            wheel.add(other, 0);
            other.cancel(false);
        }

        @Arbiter
        public void check(III_Result r) {
            r.r1 = (int) wheel.cancelled();
            r.r2 = (int) wheel.pending();
            r.r3 = wheel.nextDeadline() == Long.MAX_VALUE ? 1 : 0;
        }
    }

    /** A cancel may come before, during and after the add; it always wins here. */
    @JCStressTest
    @Outcome(id = "0, 1, 0", expect = Expect.ACCEPTABLE, desc = "cancelled")
    @State
    public static class AddAgainstCancel extends Fixture {
        private final Timer timer = timer(1);

        @Actor
        public void add() {
            wheel.add(timer, 0);
        }

        @Actor
        public void cancel() {
            timer.cancel(false);
        }

        @Arbiter
        public void check(III_Result r) {
            r.r1 = wheel.nextDeadline() == Long.MAX_VALUE ? 0 : 1;
            r.r2 = (int) wheel.cancelled();
            r.r3 = (int) wheel.pending();
        }
    }

    /** One of two adds to an empty wheel says that the sleeper must be woken. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "told, and the deadline is known")
    @State
    public static class AddAgainstAdd extends Fixture {
        private boolean first;
        private boolean second;

        @Actor
        public void first() {
            first = wheel.add(timer(1), 0);
        }

        @Actor
        public void second() {
            second = wheel.add(timer(2), 0);
        }

        @Arbiter
        public void check(II_Result r) {
            r.r1 = first || second ? 1 : 0;
            r.r2 = wheel.pending() == 2 && wheel.nextDeadline() <= TimerWheel.TICK_NANOS ? 1 : 0;
        }
    }

    /** An add that finds an advance at work is not stranded behind a deadline that is too late. */
    @JCStressTest
    @Outcome(id = "1, 2", expect = Expect.ACCEPTABLE, desc = "deadline known, both fire")
    @State
    public static class AddAgainstAdvance extends Fixture {
        {
            wheel.add(timer(1), 0);
        }

        @Actor
        public void add() {
            wheel.add(timer(1), 0);
        }

        @Actor
        public void advance() {
            wheel.advance(LATER);
        }

        @Arbiter
        public void check(II_Result r) {
            boolean known = wheel.fired() == 2 || wheel.nextDeadline() <= LATER;
            r.r1 = known ? 1 : 0;
            wheel.advance(LATER);
            r.r2 = fired.get();
        }
    }
}
