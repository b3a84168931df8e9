package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.reactor.IoDriver;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The lead of a group of workers: the right, held by one worker at a time, to wait for sockets and
 * timers on behalf of the group. Usually there is one group of all workers.
 */
final class Lead {
    /*
     * Overview.
     *
     * One worker without work sleeps in the driver, or parks while no descriptor is registered, until
     * the next timer of any worker of the group; the others park. While it works, every busy worker
     * looks at timers and driver between tasks (Worker.maintain). A leader whose turns of work are
     * long wakes another worker to take the lead; one that gets stuck unexpectedly is noticed by the
     * watchdog, which does the same.
     *
     * Worker i belongs to group i modulo the number of groups, so that each group keeps a worker
     * while the highest are closed. Nothing depends on who leads a group: a busy worker looks at the
     * driver of another group, too, each time at the next, and fires the timers of all; and when the
     * watchdog finds a group that nobody leads although somebody sleeps, it wakes a sleeper, which
     * leads that group before its own.
     *
     * field      writer                 mode
     * holder     who takes or gives up  compare-and-set from null; volatile null
     * deadline   the holder             volatile
     * taken      the holder             volatile, a plain increment
     * ioSpin     the holder             plain; handed on by holder
     * driver     who opens it           volatile, once, under the scheduler's lock
     *
     * deadline tells those who add a timer whether the leader sleeps past it. The leader writes it
     * and then reads every wheel's next deadline again; who adds a timer first makes it visible in
     * its wheel and then reads deadline. All are volatile, so one of the two sees the other. A worker
     * that adds a timer to its own wheel need not look: while it is awake it fires its timers itself,
     * and when it goes to sleep it either leads or parks no longer than its own next deadline, unless
     * the leader's comes first.
     *
     * Deadlines here are nanoseconds since origin, which do not wrap.
     */

    private static final long AWAKE = Long.MIN_VALUE;
    private static final long NEVER = Long.MAX_VALUE;

    private static final VarHandle HOLDER;

    static {
        try {
            HOLDER = MethodHandles.lookup().findVarHandle(Lead.class, "holder", Worker.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** How long the leader asks before it sleeps. */
    final IoSpin ioSpin = new IoSpin();

    private final WorkStealingScheduler scheduler;
    private final int group;
    private final long origin = System.nanoTime();

    private volatile @Nullable Worker holder;
    private volatile long deadline = AWAKE;
    private volatile long taken;
    private volatile @Nullable IoDriver driver;

    Lead(WorkStealingScheduler scheduler, int group) {
        this.scheduler = scheduler;
        this.group = group;
    }

    /** The group's driver, or null while it has not been needed. */
    @Nullable IoDriver driver() {
        return driver;
    }

    void opened(IoDriver newDriver) {
        driver = newDriver;
    }

    /** The driver, if a descriptor is registered with it. */
    @Nullable IoDriver watchedDriver() {
        IoDriver d = driver;
        return d != null && d.registered() > 0 ? d : null;
    }

    /** Whether there is anything to wait for. */
    boolean isNeeded() {
        return watchedDriver() != null || timersPending();
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // only the holder writes it
    boolean tryTake(Worker worker) {
        if (holder == null && HOLDER.compareAndSet(this, null, worker)) {
            taken++;
            return true;
        }
        return false;
    }

    void giveUp() {
        holder = null;
    }

    @Nullable Worker holder() {
        return holder;
    }

    /** How often the lead was taken. */
    long taken() {
        return taken;
    }

    /** Announces when the leader will wake by itself, and tells how long that is, -1 for never. */
    long sleepUntilNextTimer() {
        long next = nextDeadline();
        for (; ; ) {
            deadline = next;
            long again = nextDeadline();
            if (again >= next) {
                return nanosUntil(next);
            }
            next = again;
        }
    }

    void awake() {
        deadline = AWAKE;
    }

    /** How long a worker that does not lead may sleep: -1 for ever, 0 not at all. */
    long nanosFollowing(Worker worker) {
        long own = sinceOrigin(worker.wheel.nextDeadline());
        long covered = deadline;
        return covered != AWAKE && covered <= own ? -1 : nanosUntil(own);
    }

    /**
     * After a timer was added from outside: whom to wake for it.
     *
     * @param nanoTime when the timer is due
     * @return the leader if it sleeps past that; null if nobody leads, or the leader is in time
     */
    @Nullable Worker sleepingPast(long nanoTime) {
        Worker worker = holder;
        long until = deadline;
        return worker != null && until != AWAKE && sinceOrigin(nanoTime) < until ? worker : null;
    }

    boolean timersPending() {
        return nextDeadline() != NEVER;
    }

    boolean timersDue(long now) {
        return nextDeadline() <= now - origin;
    }

    private long nextDeadline() {
        long next = NEVER;
        Worker[] workers = scheduler.workers;
        for (int i = group; i < workers.length; i += scheduler.leads.length) {
            next = Math.min(next, sinceOrigin(workers[i].wheel.nextDeadline()));
        }
        return next;
    }

    private long nanosUntil(long time) {
        return time == NEVER ? -1 : Math.max(0, time - (System.nanoTime() - origin));
    }

    private long sinceOrigin(long nanoTime) {
        return nanoTime == Long.MAX_VALUE ? NEVER : nanoTime - origin;
    }
}
