package cloud.avila.avx.actuator;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.health.contributor.Status;

import java.time.Duration;
import java.util.Locale;

/**
 * What the health check {@code avx} makes of trouble. By default trouble is shown and takes nothing
 * out of service: a restart seldom cures load.
 *
 * @param stallStatus Status while a worker is stuck for longer than stall-after: "up", "unknown",
 *     "out-of-service", "down" or one of your own.
 * @param stallAfter How long one piece of work may occupy a worker before health takes notice.
 * @param saturationStatus Status while tasks wait and no worker has been idle for longer than
 *     saturation-after, or a queue is nearly full: "up", "unknown", "out-of-service", "down" or one
 *     of your own.
 * @param saturationAfter How long all workers may be busy while tasks wait before health takes
 *     notice.
 * @param queueThreshold Share of a queue's capacity from which on it counts as nearly full, above 0
 *     and up to 1.
 * @param deadlockStatus Status while tasks wait for each other for ever: "up", "unknown",
 *     "out-of-service", "down" or one of your own.
 * @param deadlockInterval How long the result of a search for deadlocks is used again.
 */
@ConfigurationProperties("avx.health")
public record AvxHealthProperties(
        @DefaultValue("up") String stallStatus,
        @DefaultValue("10s") Duration stallAfter,
        @DefaultValue("up") String saturationStatus,
        @DefaultValue("30s") Duration saturationAfter,
        @DefaultValue("0.9") double queueThreshold,
        @DefaultValue("unknown") String deadlockStatus,
        @DefaultValue("10s") Duration deadlockInterval) {

    static final AvxHealthProperties DEFAULTS =
            new AvxHealthProperties(
                    "up",
                    Duration.ofSeconds(10),
                    "up",
                    Duration.ofSeconds(30),
                    0.9,
                    "unknown",
                    Duration.ofSeconds(10));

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public AvxHealthProperties {
        checkStatus("stall-status", stallStatus);
        checkStatus("saturation-status", saturationStatus);
        checkStatus("deadlock-status", deadlockStatus);
        checkNotNegative("stall-after", stallAfter);
        checkNotNegative("saturation-after", saturationAfter);
        checkNotNegative("deadlock-interval", deadlockInterval);
        if (!(queueThreshold > 0 && queueThreshold <= 1)) {
            throw new IllegalArgumentException(
                    "avx.health.queue-threshold must be above 0 and no more than 1, but is "
                            + queueThreshold);
        }
    }

    private static void checkStatus(String name, String value) {
        if (value.isBlank()) {
            throw new IllegalArgumentException(
                    "avx.health."
                            + name
                            + " must name a status, for example up, unknown, out-of-service or"
                            + " down, but is empty");
        }
    }

    private static void checkNotNegative(String name, Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException(
                    "avx.health." + name + " must not be negative, but is " + value);
        }
    }

    /** The status of a name in the style of properties. */
    static Status status(String name) {
        return new Status(name.strip().toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
