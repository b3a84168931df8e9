package cloud.avila.avx.testing;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.scheduler.Lane;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.internal.scheduler.TrackedTask;
import cloud.avila.avx.internal.timer.Timer;
import cloud.avila.avx.metrics.RuntimeMetrics;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A scheduler whose steps are run by the test, on as many threads as it likes. */
public final class StepQueue extends Scheduler {
    private final ConcurrentLinkedQueue<Runnable> steps = new ConcurrentLinkedQueue<>();
    private final AtomicLong ids = new AtomicLong();
    private final AtomicInteger ended = new AtomicInteger();

    /** Runs the next step; false if there is none. */
    public boolean step() {
        Runnable step = steps.poll();
        if (step == null) {
            return false;
        }
        step.run();
        return true;
    }

    /** Runs steps until there are none. */
    public void drain() {
        boolean any;
        do {
            any = step();
        } while (any);
    }

    /** How many steps are queued. */
    public int queued() {
        return steps.size();
    }

    /** How many tasks were taken off the books. */
    public int ended() {
        return ended.get();
    }

    @Override
    public void startSteps(TrackedTask task, Runnable step) {
        steps.add(step);
    }

    @Override
    public void resume(Runnable step) {
        steps.add(step);
    }

    @Override
    public void yield(Runnable step) {
        steps.add(step);
    }

    @Override
    public void taskEnded(TrackedTask task) {
        ended.incrementAndGet();
    }

    @Override
    public long nextId() {
        return ids.incrementAndGet();
    }

    @Override
    public String name() {
        return "steps";
    }

    @Override
    public boolean isInside() {
        return false;
    }

    @Override
    public boolean isClosing() {
        return false;
    }

    @Override
    public boolean isClosed() {
        return false;
    }

    @Override
    public void close(long timeoutNanos) {}

    private static UnsupportedOperationException onlySteps() {
        return new UnsupportedOperationException("this scheduler runs steps only");
    }

    @Override
    public void startFiber(TrackedTask task, @Nullable String name, Lane lane) {
        throw onlySteps();
    }

    @Override
    public void execute(Runnable body, Lane lane) {
        throw onlySteps();
    }

    @Override
    public void startBlocking(TrackedTask task) {
        throw onlySteps();
    }

    @Override
    public void leaveWorker() {
        throw onlySteps();
    }

    @Override
    public long stallNanos() {
        throw onlySteps();
    }

    @Override
    public void stallNanos(long nanos) {
        throw onlySteps();
    }

    @Override
    public void resize(int count) {
        throw onlySteps();
    }

    @Override
    public Timer schedule(Runnable action, long delayNanos) {
        throw onlySteps();
    }

    @Override
    public IoDriver driver() {
        throw onlySteps();
    }

    @Override
    public RuntimeMetrics metrics() {
        throw onlySteps();
    }
}
