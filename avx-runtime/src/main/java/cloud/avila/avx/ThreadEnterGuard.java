package cloud.avila.avx;

import cloud.avila.avx.internal.scheduler.Scheduler;

import org.jspecify.annotations.Nullable;

/** Remembers what was current before, for one thread. */
final class ThreadEnterGuard implements EnterGuard {
    private static final ThreadLocal<@Nullable ThreadEnterGuard> INNERMOST = new ThreadLocal<>();

    private final Thread thread = Thread.currentThread();
    private final @Nullable Scheduler before;
    private final @Nullable ThreadEnterGuard outer = INNERMOST.get();
    private boolean closed;

    ThreadEnterGuard(Scheduler scheduler) {
        before = Scheduler.enter(scheduler);
        INNERMOST.set(this);
    }

    @Override
    public void close() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException(
                    "the guard of thread "
                            + thread
                            + " was closed by "
                            + Thread.currentThread()
                            + "; close it on the thread that entered");
        }
        if (closed) {
            return;
        }
        if (INNERMOST.get() != this) {
            throw new IllegalStateException(
                    "a runtime entered later on this thread is still entered; close the guards in"
                            + " the reverse order of entering");
        }
        closed = true;
        Scheduler.enter(before);
        if (outer == null) {
            INNERMOST.remove();
        } else {
            INNERMOST.set(outer);
        }
    }
}
