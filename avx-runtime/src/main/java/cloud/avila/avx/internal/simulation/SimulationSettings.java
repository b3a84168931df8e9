package cloud.avila.avx.internal.simulation;

/**
 * How a simulation goes.
 *
 * @param seed what all that is random is drawn from
 * @param preemption how likely a fiber gives way at a scheduling point, 0 to 1; negative to draw
 *     that from the seed as well
 * @param stepNanos the most virtual time that a step takes
 * @param maxSteps the most steps
 * @param maxNanos the most virtual time in all
 * @param traceLength the most decisions that the trace keeps
 * @param stallNanos the most real time that a step may take
 */
public record SimulationSettings(
        long seed,
        double preemption,
        long stepNanos,
        long maxSteps,
        long maxNanos,
        int traceLength,
        long stallNanos) {}
