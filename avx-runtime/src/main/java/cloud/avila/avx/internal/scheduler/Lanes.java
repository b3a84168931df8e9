package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** The queues, shared by all workers, of the tasks that are more or less urgent than usual. */
final class Lanes {
    /*
     * Overview.
     *
     * Normal work goes through the workers' own queues. Each other lane is one queue, first in,
     * first out, from which workers take single tasks:
     *
     * - interactive: before anything else; after MAX_INTERACTIVE_TURNS in a row a worker runs one
     *   task of its own queue;
     * - background: when a worker finds nothing else; but whenever the lane has not been served for
     *   MAX_BACKGROUND_WAIT, the next worker that looks around (Worker.maintain) takes one. So the
     *   n-th task of the lane starts at the latest after about n times that.
     *
     * field   writer                       mode
     * served  who took from background     compare-and-set by the aged, opaque by others
     */

    /** Interactive tasks a worker runs in a row while others wait in its queue. */
    static final int MAX_INTERACTIVE_TURNS = 16;

    /** How long the background lane may go without being served while it has tasks. */
    static final long MAX_BACKGROUND_WAIT_NANOS = 10_000_000;

    private static final int ONE_AT_A_TIME = Integer.MAX_VALUE;

    private static final VarHandle SERVED;

    static {
        try {
            SERVED = MethodHandles.lookup().findVarHandle(Lanes.class, "served", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final InjectionQueue interactive = new InjectionQueue();
    private final InjectionQueue background = new InjectionQueue();
    private volatile long served = System.nanoTime();
    private final AtomicLong aged = new AtomicLong();

    /** Adds a task to a lane other than the normal one. */
    void push(Lane lane, Runnable task) {
        if (lane == Lane.INTERACTIVE) {
            interactive.push(task);
            return;
        }
        if (background.isEmpty()) {
            SERVED.setOpaque(this, System.nanoTime()); // its waiting time begins
        }
        background.push(task);
    }

    boolean interactiveWaits() {
        return !interactive.isEmpty();
    }

    boolean backgroundWaits() {
        return !background.isEmpty();
    }

    boolean isEmpty() {
        return interactive.isEmpty() && background.isEmpty();
    }

    /** How many tasks wait in a lane other than the normal one. */
    long size(Lane lane) {
        return lane == Lane.INTERACTIVE ? interactive.size() : background.size();
    }

    long pushed(Lane lane) {
        return lane == Lane.INTERACTIVE ? interactive.pushed() : background.pushed();
    }

    boolean isFull(Lane lane, long capacity) {
        return (lane == Lane.INTERACTIVE ? interactive : background).isFull(capacity);
    }

    @Nullable Runnable takeInteractive(ChaseLevDeque<Runnable> into) {
        return interactive.take(into, ONE_AT_A_TIME);
    }

    @Nullable Runnable takeBackground(ChaseLevDeque<Runnable> into) {
        if (background.isEmpty()) {
            return null;
        }
        SERVED.setOpaque(this, System.nanoTime());
        return background.take(into, ONE_AT_A_TIME);
    }

    /** A background task if the lane has waited for too long. */
    @Nullable Runnable takeAgedBackground(ChaseLevDeque<Runnable> into, long now) {
        if (background.isEmpty()) {
            return null;
        }
        long last = served;
        if (now - last < MAX_BACKGROUND_WAIT_NANOS || !SERVED.compareAndSet(this, last, now)) {
            return null;
        }
        Runnable task = background.take(into, ONE_AT_A_TIME);
        if (task != null) {
            aged.incrementAndGet();
        }
        return task;
    }

    /** Background tasks that ran because they had waited for long. */
    long aged() {
        return aged.get();
    }

    void forEach(Consumer<Runnable> visitor) {
        interactive.forEach(visitor);
        background.forEach(visitor);
    }

    /** What is left when no worker runs any more. */
    @Nullable Runnable takeLeftOver(ChaseLevDeque<Runnable> into) {
        Runnable task = takeInteractive(into);
        return task != null ? task : takeBackground(into);
    }
}
