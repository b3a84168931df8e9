package cloud.avila.avx.task;

import cloud.avila.avx.internal.log.BoundedLog;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;

/**
 * Futures to start from, and ways to put them together. A future made of others owns them: they are
 * polled and dropped by it alone.
 */
public final class Futures {
    private static final BoundedLog LOG = new BoundedLog(Futures.class);

    private Futures() {}

    /**
     * A future that is ready at once.
     *
     * @param value what it becomes
     * @param <T> the value's type
     * @return a future
     */
    public static <T extends @Nullable Object> Future<T> ready(T value) {
        Poll<T> ready = Poll.ready(value);
        return cx -> ready;
    }

    /**
     * A future that is never ready, for example in place of something that a {@code select} should
     * not wait for.
     *
     * @param <T> the type of the value it never has
     * @return a future
     */
    public static <T extends @Nullable Object> Future<T> pending() {
        return cx -> Poll.pending();
    }

    /**
     * A future that gives way once: it is ready when the tasks that were waiting at its first poll
     * have had their turn.
     *
     * @return a future
     */
    public static Future<@Nullable Void> yieldNow() {
        return new Yield();
    }

    private static final class Yield implements Future<@Nullable Void> {
        private boolean yielded;

        @Override
        public Poll<@Nullable Void> poll(Context cx) {
            if (yielded) {
                return Poll.ready(null);
            }
            yielded = true;
            cx.pollAgain();
            return Poll.pending();
        }
    }

    /**
     * A future that is ready when some time has passed since its first poll: never early, late by
     * at most a tick of the timer wheel (below 0.1 ms) and the time until a worker is free. Its
     * first poll must be on a thread of a runtime, or one that has entered it, and throws {@link
     * IllegalStateException} elsewhere. Dropping it cancels the timer.
     *
     * @param duration how long; zero or less is ready at once, more than 146 years means 146 years
     * @return a future
     */
    public static Future<@Nullable Void> sleep(Duration duration) {
        return new SleepFuture(duration);
    }

    /**
     * A future that becomes what a stage becomes. It fails with what the stage failed with, without
     * a {@link java.util.concurrent.CompletionException} around it. Dropping it leaves the stage
     * alone. For the way back spawn a future and take {@code JoinHandle.toCompletableFuture()}.
     *
     * @param stage what to wait for
     * @param <T> the value's type
     * @return a future
     */
    public static <T extends @Nullable Object> Future<T> fromCompletionStage(
            CompletionStage<? extends T> stage) {
        return new StageFuture<>(stage);
    }

    /**
     * Both of two futures. If one fails, so does the whole, and the other is dropped.
     *
     * @param a a future
     * @param b a future
     * @param combine what makes one value of both
     * @param <A> the first value's type
     * @param <B> the second value's type
     * @param <R> the type of the value made of them
     * @return a future
     */
    public static <
                    A extends @Nullable Object,
                    B extends @Nullable Object,
                    R extends @Nullable Object>
            Future<R> join(
                    Future<? extends A> a,
                    Future<? extends B> b,
                    BiFunction<? super A, ? super B, ? extends R> combine) {
        return new Combinators.Join<A, B, R>(a, b, combine);
    }

    /**
     * All of several futures. If one fails, so does the whole, and those that have not ended are
     * dropped. Each poll polls all that have not ended: that is for dozens of futures; thousands
     * are better spawned, and their handles joined.
     *
     * @param futures the futures; the list is copied
     * @param <T> the values' type
     * @return a future of an unmodifiable list of the values, in the order of the futures
     */
    public static <T extends @Nullable Object> Future<List<T>> join(
            List<? extends Future<? extends T>> futures) {
        return new Combinators.JoinList<>(futures);
    }

    /**
     * The first of several futures that is ready, or the first that fails; the others are dropped.
     * Fair: if several are ready at once, which of them is taken changes from poll to poll and from
     * one {@code select} to the next.
     *
     * @param futures the futures, at least one; the list is copied
     * @param <T> the values' type
     * @return a future that tells which was first, and its value
     * @throws IllegalArgumentException if the list is empty
     */
    public static <T extends @Nullable Object> Future<Selected<T>> select(
            List<? extends Future<? extends T>> futures) {
        return new Combinators.Select<>(futures, true);
    }

    /**
     * As {@link #select}, but if several are ready at once, the first in the list is taken.
     *
     * @param futures the futures, at least one, the most important first; the list is copied
     * @param <T> the values' type
     * @return a future that tells which was first, and its value
     * @throws IllegalArgumentException if the list is empty
     */
    public static <T extends @Nullable Object> Future<Selected<T>> selectBiased(
            List<? extends Future<? extends T>> futures) {
        return new Combinators.Select<>(futures, false);
    }

    /**
     * Drops a future that has not ended and will not be polled again: closes it if it is {@link
     * AutoCloseable}. What closing throws goes to the log.
     *
     * @param future the future; null does nothing
     */
    public static void drop(@Nullable Future<?> future) {
        if (future instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Throwable e) {
                LOG.log(
                        Level.WARNING,
                        "closing a dropped future threw; what it holds may leak: "
                                + future.getClass().getName(),
                        e);
            }
        }
    }
}
