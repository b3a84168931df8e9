package cloud.avila.avx.actuator;

/**
 * A task scheduler that can be measured. Every bean of this type is published as {@code
 * avx.scheduler.*} meters under its bean name.
 */
@FunctionalInterface
public interface SchedulerMetricsSource {
    /**
     * Takes a snapshot. Cheap, any thread may call it.
     *
     * @return the numbers now
     */
    SchedulerMetrics schedulerMetrics();
}
