package cloud.avila.avx.internal.scheduler;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** An entry removed while its stripe grows is gone; one that was added is there. */
@JCStressTest
@Outcome(id = "2, 0", expect = Expect.ACCEPTABLE, desc = "all but the removed one")
@Outcome(expect = Expect.FORBIDDEN, desc = "came back, or was lost")
@State
public class RegistryGrowth {
    private final FiberRegistry registry = new FiberRegistry(2);
    private final DummyTask victim = new DummyTask();

    /** Fills the stripe's first array. */
    public RegistryGrowth() {
        registry.grow(1);
        registry.add(victim, 0);
        registry.add(new DummyTask(), 0);
    }

    /** Adds one that makes it grow. */
    @Actor
    public void owner() {
        registry.add(new DummyTask(), 0);
    }

    /** Removes one. */
    @Actor
    public void ender() {
        registry.remove(victim);
    }

    /** Counts. */
    @Arbiter
    public void arbiter(II_Result r) {
        registry.forEach(
                task -> {
                    r.r1++;
                    r.r2 += task == victim ? 1 : 0;
                });
    }
}
