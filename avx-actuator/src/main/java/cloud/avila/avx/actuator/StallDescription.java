package cloud.avila.avx.actuator;

import cloud.avila.avx.metrics.Stall;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * A time that a worker was on one piece of work for too long.
 *
 * @param began when the piece of work began
 * @param duration how long it took, or has taken so far
 * @param over whether it has ended
 * @param worker the name of the thread
 * @param work what the worker was busy with
 * @param task the number of the task; 0 for a job
 * @param stack its frames when it was noticed, the innermost first
 */
public record StallDescription(
        Instant began,
        Duration duration,
        boolean over,
        String worker,
        String work,
        long task,
        List<String> stack) {

    static StallDescription of(Stall stall) {
        return new StallDescription(
                stall.began(),
                stall.duration(),
                stall.over(),
                stall.worker(),
                stall.work(),
                stall.task(),
                DeadlockDescription.frames(stall.stack()));
    }
}
