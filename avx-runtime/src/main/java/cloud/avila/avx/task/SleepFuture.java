package cloud.avila.avx.task;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.internal.timer.Timer;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/** A timer, waited for by polling; the timer's action is the future itself. */
final class SleepFuture implements Future<@Nullable Void>, Runnable, AutoCloseable {
    private final Duration duration;
    private final WakerCell cell = new WakerCell();
    private @Nullable Timer timer;
    private volatile boolean over;

    SleepFuture(Duration duration) {
        this.duration = duration;
    }

    @Override
    public Poll<@Nullable Void> poll(Context cx) {
        if (timer == null && !over) {
            start(cx);
        }
        if (!over) {
            cell.register(cx.waker());
            if (!over) {
                return Poll.pending();
            }
        }
        return cx.budget().tryConsume() ? Poll.ready(null) : Poll.pending();
    }

    private void start(Context cx) {
        long nanos = Deadline.nanos(duration);
        if (nanos <= 0) {
            over = true;
            return;
        }
        Scheduler scheduler = Scheduler.current();
        if (scheduler == null) {
            throw new IllegalStateException(
                    "a sleep was polled on "
                            + Thread.currentThread()
                            + ", which belongs to no runtime whose timers it could use; spawn it, or"
                            + " poll it inside try (EnterGuard g = runtime.enter()) { ... }");
        }
        cell.register(cx.waker());
        timer = scheduler.schedule(this, nanos);
    }

    /** The timer has fired. */
    @Override
    public void run() {
        over = true;
        cell.wake();
    }

    @Override
    public void close() {
        cell.take();
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
