package cloud.avila.avx.internal.fiber;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Callable;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * The scheduler object that virtual threads are made with. It is a {@link ForkJoinPool} for one
 * reason: {@code VirtualThread.schedule} asks a ForkJoinPool, and nothing else, to time its parks
 * and sleeps, and ours go to our wheel. It never starts a thread.
 *
 * <p>Rules of the JDK that an implementation must keep: {@code execute} never throws, blocks or
 * parks, and is called from any thread; {@code schedule} never blocks.
 */
public abstract class FiberScheduler extends ForkJoinPool {
    /** Makes the scheduler; starts no thread. */
    protected FiberScheduler() {
        super(1);
    }

    /**
     * Queues a continuation: a virtual thread that was started, unparked or has yielded.
     *
     * @param continuation what to run on a worker
     */
    protected abstract void enqueue(Runnable continuation);

    /**
     * Times a park.
     *
     * @param action what to do then: short and not blocking
     * @param nanos how long from now, in nanoseconds
     * @return cancels it, from any thread, without blocking
     */
    protected abstract ScheduledFuture<?> time(Runnable action, long nanos);

    @Override
    public final void execute(Runnable continuation) {
        enqueue(continuation);
    }

    @Override
    public final ScheduledFuture<?> schedule(Runnable action, long delay, TimeUnit unit) {
        return time(action, unit.toNanos(delay));
    }

    @Override
    public final <V extends @Nullable Object> ScheduledFuture<V> schedule(
            Callable<V> action, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException("virtual threads time Runnables only");
    }
}
