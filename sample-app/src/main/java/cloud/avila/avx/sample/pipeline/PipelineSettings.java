package cloud.avila.avx.sample.pipeline;

import java.time.Duration;

/**
 * How the pipeline works.
 *
 * @param flushInterval the length of a window
 * @param maxValues the most values of a window
 * @param retention how long points of aggregated series are kept
 */
public record PipelineSettings(Duration flushInterval, int maxValues, Duration retention) {}
