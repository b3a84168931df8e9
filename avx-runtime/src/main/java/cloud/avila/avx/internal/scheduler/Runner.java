package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The body of a virtual thread that runs spawned tasks one after the other: a task that never
 * blocks so costs a fraction of a virtual thread. When a task blocks, the thread is that task's own
 * until it ends; the worker goes on with another runner.
 *
 * <p>A runner ends, rather than wait for more, as soon as the worker has something else to do than
 * a fresh task: ending and creating a virtual thread costs half of suspending and resuming one, and
 * one that was dropped while suspended would stay in the JDK's list of threads for ever.
 *
 * <p>Between two tasks it clears what a task can leave behind on its thread. What remains: two
 * tasks may see the same {@code Thread} object, and one who kept it can interrupt a later task with
 * it.
 *
 * <p>Numbers: docs/adr/0006-fibers-on-runners.md.
 */
final class Runner extends FiberRegistry.Entry implements Runnable {
    /** The most tasks a runner runs. */
    private static final int MAX_TASKS = 61;

    /**
     * So many runners of a worker are kept short, each a different length, while the JVM is young:
     * a loop that never ends would be compiled in place, and its interpreted frame stay under every
     * task that blocks, which makes each suspension slow.
     */
    private static final int YOUNG = 10_000;

    private static final VarHandle CURRENT;

    static {
        try {
            CURRENT =
                    MethodHandles.lookup()
                            .findVarHandle(Runner.class, "current", TrackedTask.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final WorkStealingScheduler scheduler;
    private final Lane lane;
    private final int maxTasks;
    private volatile @Nullable TrackedTask current;

    Runner(WorkStealingScheduler scheduler, TrackedTask first, long number) {
        this.scheduler = scheduler;
        this.current = first;
        this.lane = first.lane;
        this.maxTasks = number < YOUNG ? 1 + (int) (number & 15) : MAX_TASKS;
    }

    @Override
    public void run() {
        Thread me = Thread.currentThread();
        ClassLoader loader = me.getContextClassLoader();
        TrackedTask task = current;
        for (int tasks = 1; task != null; tasks++) {
            long mounting = scheduler.mounting();
            if (task.threadName != null) {
                me.setName(task.threadName);
            }
            if (task.queuedNanos != 0) {
                scheduler.waited(task);
            }
            Object event = FlightEvents.taskBegins(task, scheduler.name());
            task.runTask();
            FlightEvents.taskEnded(event, task);
            boolean goOn = tasks < maxTasks && scheduler.mayReuse(mounting);
            if (goOn) {
                scheduler.clean(me, loader);
            }
            task = scheduler.endAndNext(task, lane, goOn);
            CURRENT.setRelease(this, task);
        }
        scheduler.runnerEnded(this);
    }

    @Override
    @Nullable TrackedTask task() {
        return current;
    }
}
