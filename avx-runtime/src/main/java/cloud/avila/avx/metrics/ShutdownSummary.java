package cloud.avila.avx.metrics;

import java.time.Duration;

/**
 * What happened to a runtime's tasks when it was closed: fibers, poll tasks, jobs and blocking
 * tasks.
 *
 * @param drained those that ended by themselves within the shutdown timeout, with those they
 *     spawned meanwhile
 * @param cancelled those that were still there then, and were cancelled
 * @param unfinished of the cancelled ones, those that had not ended when the runtime was declared
 *     closed
 * @param duration how long closing took
 */
public record ShutdownSummary(long drained, long cancelled, long unfinished, Duration duration) {}
