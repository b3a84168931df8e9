package cloud.avila.avx.actuator;

/**
 * A task executor that can be measured. Every bean of this type is published as {@code executor.*}
 * meters under its bean name.
 */
@FunctionalInterface
public interface ExecutorMetricsSource {
    /**
     * Takes a snapshot. Cheap, any thread may call it.
     *
     * @return the numbers now
     */
    ExecutorMetrics executorMetrics();
}
