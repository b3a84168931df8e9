package cloud.avila.avx.actuator;

/**
 * What one task scheduler is doing and has done.
 *
 * @param tasks tasks that are scheduled and have not ended for good, running ones included
 * @param active runs that have started and not ended
 * @param completed runs that have ended, normally or not
 * @param failed runs that ended with an exception
 * @param late runs that started later than their due time by more than the scheduler's threshold,
 *     other than overlapping ones
 * @param overlapping runs that were due before the previous run of the same task had ended, and so
 *     waited for it
 */
public record SchedulerMetrics(
        long tasks, long active, long completed, long failed, long late, long overlapping) {}
