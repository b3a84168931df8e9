package cloud.avila.avx.metrics;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * The timers of one worker.
 *
 * @param worker the worker's number
 * @param pending scheduled and neither fired nor cancelled
 * @param scheduled ever scheduled
 * @param fired fired, by this worker or by another one for it
 * @param cancelled cancelled
 * @param next how long until a worker has to look at them again, which may be before the next one
 *     is due; not negative; null if there is none
 */
public record TimerMetrics(
        int worker,
        long pending,
        long scheduled,
        long fired,
        long cancelled,
        @Nullable Duration next) {}
