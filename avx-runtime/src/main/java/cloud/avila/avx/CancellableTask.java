package cloud.avila.avx;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Callable;

/**
 * A task that is told when it will not run. Whoever keeps account of tasks that it spawns, as an
 * executor does that bounds them, would otherwise wait for ever for one that was cancelled, or left
 * over when the runtime closed, before it began.
 *
 * <p>{@link Handle#spawn(Callable)} and its like recognize it; of {@link #call()} and {@link
 * #cancelled()} they call exactly one, once. Only if the runtime is declared closed with that task
 * unfinished, neither may be called.
 *
 * @param <T> what it returns
 */
public interface CancellableTask<T extends @Nullable Object> extends Callable<T> {
    /**
     * The task was cancelled before it began. Called where it would have run, when it would have
     * been its turn; must not block. What it throws goes to the runtime's handler of uncaught
     * failures.
     */
    void cancelled();
}
