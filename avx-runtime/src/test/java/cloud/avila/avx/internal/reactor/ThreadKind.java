package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/** The kinds of thread that may use sockets without being ours. */
public enum ThreadKind {
    PLATFORM {
        @Override
        Thread thread(Runnable task) {
            return Thread.ofPlatform().daemon(true).unstarted(task);
        }
    },
    VIRTUAL {
        @Override
        Thread thread(Runnable task) {
            return Thread.ofVirtual().unstarted(task);
        }
    };

    abstract Thread thread(Runnable task);

    public <T extends @Nullable Object> Running<T> run(Callable<T> task) {
        var future = new FutureTask<>(task);
        Thread thread = thread(future);
        thread.start();
        return new Running<>(thread, future);
    }

    /** A task on a thread of its own. */
    public record Running<T extends @Nullable Object>(Thread thread, FutureTask<T> future) {
        /** Waits until the thread waits, as far as that can be seen from outside. */
        public Running<T> awaitParked() throws InterruptedException {
            for (int i = 0; i < 3000; i++) {
                Thread.State state = thread.getState();
                if (state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING) {
                    return this;
                }
                if (state == Thread.State.TERMINATED) {
                    throw new AssertionError("ended instead of waiting: " + future);
                }
                Thread.sleep(5);
            }
            throw new AssertionError("does not wait: " + thread.getState());
        }

        public T get() throws Exception {
            try {
                if (!thread.join(Duration.ofSeconds(60))) {
                    var stuck = new AssertionError("stuck for 60 s: " + thread);
                    stuck.setStackTrace(thread.getStackTrace());
                    throw stuck;
                }
                return future.get();
            } catch (java.util.concurrent.ExecutionException e) {
                if (e.getCause() instanceof Exception cause) {
                    throw cause;
                }
                throw e;
            }
        }
    }
}
