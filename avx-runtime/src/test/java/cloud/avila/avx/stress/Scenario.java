package cloud.avila.avx.stress;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;

/**
 * A kind of use of a runtime that keeps its own books. {@link #run} is called once, on a fiber or
 * on a platform thread that has entered the runtime; {@link #verify} after the runtime has been
 * closed, when nothing runs any more.
 */
abstract class Scenario {
    /** What went wrong in a part of the scenario whose outcome nobody looks at. */
    private volatile @Nullable Throwable failure;

    /** What a scenario gets: a runtime, its own random numbers, and the time to come to an end. */
    record Context(AvxRuntime runtime, SplittableRandom random, long end, Progress progress) {
        boolean more() {
            progress.step();
            return System.nanoTime() - end < 0;
        }

        Context split() {
            return new Context(runtime, random.split(), end, progress);
        }

        /**
         * Spawns a fiber; while the bound of the injection queue is reached, which other scenarios
         * see to, tries again.
         */
        <T extends @Nullable Object> JoinHandle<T> spawn(Callable<? extends T> task)
                throws InterruptedException {
            for (; ; ) {
                try {
                    return runtime.spawn(task);
                } catch (RejectedExecutionException e) {
                    Thread.sleep(1);
                }
            }
        }

        boolean chance(int percent) {
            return random.nextInt(100) < percent;
        }

        int between(int from, int to) {
            return random.nextInt(from, to + 1);
        }
    }

    abstract void run(Context cx) throws Exception;

    abstract void verify();

    final void fail(Throwable t) {
        if (failure == null) {
            failure = t;
        }
    }

    final void rethrow() {
        if (failure != null) {
            throw new AssertionError("in " + this, failure);
        }
    }

    /** Joins a part that may have been cancelled. */
    static void joinAll(List<? extends JoinHandle<?>> handles) throws InterruptedException {
        for (var handle : handles) {
            try {
                handle.join();
            } catch (CancellationException e) {
                continue;
            }
        }
    }

    /** Cancels some of them, spread over the rest of the time. */
    static void cancelSome(Context cx, List<? extends JoinHandle<?>> handles)
            throws InterruptedException {
        for (var handle : handles) {
            if (cx.chance(30)) {
                Thread.sleep(0, cx.between(0, 900_000));
                handle.cancel();
            }
        }
    }

    static void require(boolean condition, String message, Object... values) {
        if (!condition) {
            throw new AssertionError(message.formatted(values));
        }
    }

    static void requireEqual(long expected, long actual, String what) {
        require(expected == actual, "%s: expected %d, but was %d", what, expected, actual);
    }

    /** The cause behind a failed join. */
    static Throwable cause(CompletionException e) {
        Throwable cause = e.getCause();
        return cause == null ? e : cause;
    }

    @Override
    public String toString() {
        return getClass().getSimpleName();
    }
}
