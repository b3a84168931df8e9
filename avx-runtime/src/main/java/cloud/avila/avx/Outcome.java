package cloud.avila.avx;

import org.jspecify.annotations.Nullable;

/**
 * How a task ended.
 *
 * @param <T> what the task returns
 */
public sealed interface Outcome<T extends @Nullable Object> {
    /**
     * The task returned.
     *
     * @param value what it returned
     * @param <T> what the task returns
     */
    record Completed<T extends @Nullable Object>(T value) implements Outcome<T> {}

    /**
     * The task threw.
     *
     * @param cause what it threw
     * @param <T> what the task returns
     */
    record Failed<T extends @Nullable Object>(Throwable cause) implements Outcome<T> {}

    /**
     * The task was cancelled before it ended otherwise.
     *
     * @param <T> what the task returns
     */
    record Cancelled<T extends @Nullable Object>() implements Outcome<T> {}
}
