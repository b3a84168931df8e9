package cloud.avila.avx.task;

import org.jspecify.annotations.Nullable;

import java.util.function.Function;

/**
 * A value that may not be there yet, asked for by polling. A future does nothing by itself: it
 * makes progress while it is polled, and after {@link Poll#pending()} it sees to it that the waker
 * of the poll's context is woken when asking again makes sense. Spawned with {@code
 * AvxRuntime.spawn} or awaited by another future, it needs no thread while it waits.
 *
 * <p>A poll runs on a worker's own thread: it must be short and must not block. A future is polled
 * by one thread at a time and needs no synchronisation of its own for what only its polls use. Once
 * a poll has returned {@linkplain Poll.Ready ready} or thrown, the future has ended and must not be
 * polled again.
 *
 * <p>A future that ends no other way, because its task was cancelled or because {@code select}
 * chose another, is dropped: if it is {@link AutoCloseable} it is closed, once. A future that
 * awaits others passes that on with {@link Futures#drop}.
 *
 * @param <T> what it becomes
 */
@FunctionalInterface
public interface Future<T extends @Nullable Object> {
    /**
     * Makes what progress is possible now.
     *
     * @param cx what belongs to this poll: its waker, its budget; not to be kept, other than the
     *     waker
     * @return the value, or pending once the waker has been put where it will be woken
     * @throws Exception if the future has failed; anything thrown ends it
     */
    Poll<T> poll(Context cx) throws Exception;

    /**
     * This future's value, changed.
     *
     * @param function what makes the new value; runs in the poll that gets the old one
     * @param <R> the new value's type
     * @return a future that takes the place of this one
     */
    default <R extends @Nullable Object> Future<R> map(Function<? super T, ? extends R> function) {
        return new Combinators.Map<>(this, function);
    }

    /**
     * This future and then another.
     *
     * @param next what makes the second future from this one's value
     * @param <R> the second future's value's type
     * @return a future that takes the place of this one and becomes what the second becomes
     */
    default <R extends @Nullable Object> Future<R> andThen(
            Function<? super T, ? extends Future<? extends R>> next) {
        return new Combinators.AndThen<>(this, next);
    }
}
