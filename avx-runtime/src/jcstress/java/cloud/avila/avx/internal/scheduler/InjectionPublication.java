package cloud.avila.avx.internal.scheduler;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A task pushed over the seam of two segments is taken once, with what was written before. */
@JCStressTest
@Outcome(id = "6, 0", expect = Expect.ACCEPTABLE, desc = "each of the three once")
@Outcome(expect = Expect.FORBIDDEN, desc = "lost, twice, or unpublished")
@State
public class InjectionPublication {
    private static final class Task implements Runnable {
        int number;
        int taken;

        @Override
        public void run() {
            taken++;
        }
    }

    private final InjectionQueue queue = new InjectionQueue(2);
    private final ChaseLevDeque<Runnable> into = new ChaseLevDeque<>(4);
    private int sum;
    private int wrong;

    private void take() {
        for (Runnable task = queue.take(into, 1); task != null; task = into.take()) {
            Task t = (Task) task;
            t.run();
            sum += t.number;
            wrong += t.number == 0 || t.taken != 1 ? 1 : 0;
        }
    }

    /** Pushes three. */
    @Actor
    public void producer() {
        for (int i = 1; i <= 3; i++) {
            Task task = new Task();
            task.number = i;
            queue.push(task);
        }
    }

    /** Takes batches. */
    @Actor
    public void worker() {
        take();
        take();
    }

    /** Takes the rest. */
    @Arbiter
    public void arbiter(II_Result r) {
        take();
        take();
        r.r1 = sum;
        r.r2 = wrong;
    }
}
