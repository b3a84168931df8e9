package cloud.avila.avx.stress;

import java.util.concurrent.atomic.LongAdder;

/** Steps made by all scenarios, to show that the run lives. */
final class Progress {
    private final LongAdder steps = new LongAdder();

    void step() {
        steps.increment();
    }

    long steps() {
        return steps.sum();
    }
}
