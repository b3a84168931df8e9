package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToLongFunction;

/**
 * Counts tasks that were accepted and how they ended: on a worker in plain fields of the worker, on
 * other threads in adders.
 */
final class TaskCounts {
    private final WorkStealingScheduler scheduler;
    private final LongAdder spawnedOutside = new LongAdder();
    private final LongAdder completedOutside = new LongAdder();
    private final LongAdder failedOutside = new LongAdder();
    private final LongAdder cancelledOutside = new LongAdder();
    private final LongAdder rejected = new LongAdder();

    TaskCounts(WorkStealingScheduler scheduler) {
        this.scheduler = scheduler;
    }

    void spawned(@Nullable Worker worker) {
        if (worker == null) {
            spawnedOutside.increment();
        } else {
            worker.spawned++;
        }
    }

    /** A task that was counted as spawned was refused after all. */
    void refused() {
        rejected.increment();
        spawnedOutside.decrement();
    }

    void ended(@Nullable Worker worker, TrackedTask.Ending ending) {
        if (worker == null) {
            switch (ending) {
                case COMPLETED -> completedOutside.increment();
                case FAILED -> failedOutside.increment();
                case CANCELLED -> cancelledOutside.increment();
            }
        } else {
            switch (ending) {
                case COMPLETED -> worker.completed++;
                case FAILED -> worker.failed++;
                case CANCELLED -> worker.cancelled++;
            }
        }
    }

    /**
     * Tasks accepted that have not ended; never too low, for the ends are read first: a task's end
     * comes after its start, and after the start of whatever it spawned.
     */
    long live() {
        long ended = ended();
        VarHandle.fullFence();
        return spawned() - ended;
    }

    /** Tasks that have ended, in whatever way. */
    long ended() {
        return completed() + failed() + cancelled();
    }

    long spawned() {
        return sum(w -> w.spawned) + spawnedOutside.sum();
    }

    long completed() {
        return sum(w -> w.completed) + completedOutside.sum();
    }

    long failed() {
        return sum(w -> w.failed) + failedOutside.sum();
    }

    long cancelled() {
        return sum(w -> w.cancelled) + cancelledOutside.sum();
    }

    long rejected() {
        return rejected.sum();
    }

    private long sum(ToLongFunction<Worker> counter) {
        long sum = 0;
        for (Worker worker : scheduler.workers) {
            sum += counter.applyAsLong(worker);
        }
        return sum;
    }
}
