package cloud.avila.avx.actuator;

import org.jspecify.annotations.Nullable;

/**
 * Is told how long each task of one executor waited and ran.
 *
 * <p>It is called by the task's own fiber when the task has ended, inside whatever decorates the
 * task, so that a trace or a logging context that a decorator has put in place is still there. It
 * is called for every task, at the same time by many fibers, and delays each: it must be quick, and
 * must not throw.
 */
@FunctionalInterface
public interface TaskTimings {
    /**
     * A task has ended.
     *
     * @param task the class of what was submitted; for a lambda the class it is written in
     * @param waitedNanos from its submission to its start, in nanoseconds
     * @param ranNanos from its start to its end, in nanoseconds
     * @param failure what it threw, also if it is kept for a future; null if it ended normally
     */
    void ended(Class<?> task, long waitedNanos, long ranNanos, @Nullable Throwable failure);
}
