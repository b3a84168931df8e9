package cloud.avila.avx.internal.scheduler;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The idle protocol as a model: whatever the interleaving of one who pushes and two workers that
 * run out of work, no work is left while every worker sleeps and none has been woken for it.
 */
public class IdleWorkersLincheckTest {
    private static final int WORKERS = 2;

    private final IdleWorkers idle = new IdleWorkers(WORKERS);
    private final AtomicInteger work = new AtomicInteger();
    private final AtomicInteger woken = new AtomicInteger();

    public IdleWorkersLincheckTest() {
        idle.resize(WORKERS);
    }

    @Operation(nonParallelGroup = "pusher")
    public void push() {
        work.incrementAndGet();
        VarHandle.fullFence();
        if (idle.shouldWake()) {
            wakeSleeper();
        } else if (idle.anySleeping() && work.get() > 1) {
            wakeAnother();
        }
    }

    private void wakeAnother() {
        idle.startAnother();
        if (idle.claimSleeper(_ -> false) >= 0) {
            woken.incrementAndGet();
        } else if (idle.stopSearching() && idle.anySleeping() && work.get() > 0) {
            wakeSleeper();
        }
    }

    private void wakeSleeper() {
        while (idle.tryStartWaking()) {
            if (idle.claimSleeper(_ -> false) >= 0) {
                woken.incrementAndGet(); // it will search, and then look
                return;
            }
            idle.stopSearching();
            if (!idle.anySleeping() || work.get() == 0) {
                return;
            }
        }
    }

    @Operation(nonParallelGroup = "first")
    public void firstRunsOut() {
        runOut(0);
    }

    @Operation(nonParallelGroup = "second")
    public void secondRunsOut() {
        runOut(1);
    }

    /** Takes what it finds and goes to sleep, as Worker.findWork and Worker.sleep do. */
    private void runOut(int worker) {
        if (idle.isSleeping(worker)) {
            return;
        }
        boolean searching = idle.tryStartSearching();
        for (; ; ) {
            if (takeOne()) {
                if (searching) {
                    searching = false;
                    if (idle.stopSearching() && work.get() > 0 && idle.shouldWake()) {
                        wakeSleeper();
                    }
                }
                continue;
            }
            idle.announceSleep(worker);
            boolean wasSearching = searching;
            if (searching) {
                searching = false;
                idle.stopSearching();
            }
            if (work.get() == 0 || !wasSearching && idle.searchingCount() > 0) {
                return;
            }
            searching = !idle.withdrawSleep(worker);
            if (searching) {
                woken.decrementAndGet();
            }
        }
    }

    private boolean takeOne() {
        for (; ; ) {
            int w = work.get();
            if (w == 0) {
                return false;
            }
            if (work.compareAndSet(w, w - 1)) {
                return true;
            }
        }
    }

    @Validate
    public void noWorkIsLeftToSleepers() {
        if (work.get() > 0 && woken.get() == 0 && idle.sleepingCount() == WORKERS) {
            throw new AssertionError(work.get() + " left, and every worker sleeps");
        }
    }

    @Test
    void workIsNeverLeftToSleepers() {
        new ModelCheckingOptions()
                .iterations(20)
                .invocationsPerIteration(1_000)
                .threads(3)
                .actorsPerThread(2)
                .sequentialSpecification(Nothing.class)
                .check(IdleWorkersLincheckTest.class);
    }

    /** The operations return nothing; the validation decides. */
    public static class Nothing {
        public void push() {}

        public void firstRunsOut() {}

        public void secondRunsOut() {}
    }
}
