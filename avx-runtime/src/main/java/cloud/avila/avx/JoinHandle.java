package cloud.avila.avx;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;

/**
 * The handle to a spawned task: waits for it, cancels it, tells how it ended. Dropping the handle
 * lets the task run on. Thread-safe; what the task did happens-before what follows a join.
 *
 * @param <T> what the task returns
 */
public interface JoinHandle<T extends @Nullable Object> extends Future<T> {
    /**
     * The task's number, unique in its runtime.
     *
     * @return a positive number
     */
    long id();

    /**
     * The task's name.
     *
     * @return the name given at spawn, or one made from the number
     */
    String name();

    /**
     * Waits for the task to end. From a fiber this parks the fiber only.
     *
     * @return what the task returned
     * @throws InterruptedException if the calling thread was interrupted while waiting; the task
     *     runs on
     * @throws java.util.concurrent.CompletionException if the task threw; the cause is what it
     *     threw
     * @throws java.util.concurrent.CancellationException if the task was cancelled
     */
    T join() throws InterruptedException;

    /**
     * Waits for the task to end, for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return what the task returned
     * @throws InterruptedException if the calling thread was interrupted while waiting
     * @throws TimeoutException if the task had not ended in time; it runs on
     * @throws java.util.concurrent.CompletionException if the task threw
     * @throws java.util.concurrent.CancellationException if the task was cancelled
     */
    T join(Duration timeout) throws InterruptedException, TimeoutException;

    /**
     * Cancels the task: one that has not started never runs, one that runs is interrupted, a poll
     * task is not polled again. Joining it then throws {@link
     * java.util.concurrent.CancellationException}.
     *
     * @return false if the task had already ended
     */
    default boolean cancel() {
        return cancel(true);
    }

    /**
     * Says that nobody will ask how the task ends: if it fails, the failure goes to the runtime's
     * handler of uncaught failures at once (now, if it has failed already and nobody has asked).
     * The handle can still be used. Without this, the failure of a task whose handle was dropped
     * goes there when the garbage collector has found that out.
     */
    void detach();

    /**
     * How the task ended.
     *
     * @return the outcome
     * @throws IllegalStateException if the task has not ended
     */
    Outcome<T> outcome();

    /**
     * A view as a {@link CompletableFuture}, which completes when the task ends. Cancelling the
     * future cancels the task.
     *
     * @return a new future
     */
    CompletableFuture<T> toCompletableFuture();

    /**
     * A view to await in a poll task: ready when the task ends. Its poll throws as {@link #join()}
     * does. Dropping the view leaves the task alone.
     *
     * @return a new future
     */
    cloud.avila.avx.task.Future<T> asFuture();
}
