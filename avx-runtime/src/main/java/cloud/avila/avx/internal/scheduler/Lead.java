package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The lead: the right, held by one worker at a time, to wait for sockets and timers on behalf of
 * all of them.
 */
final class Lead {
    /*
     * Overview.
     *
     * One worker without work sleeps in the driver, or parks while no descriptor is registered, until
     * the next timer of any worker; the others park. While it works, every busy worker looks at
     * timers and driver between tasks (Worker.maintain). A leader whose turns of work are long wakes
     * another worker to take the lead; one that gets stuck unexpectedly is noticed by the watchdog,
     * which does the same.
     *
     * field      writer                 mode
     * holder     who takes or gives up  compare-and-set from null; volatile null
     * deadline   the holder             volatile
     * taken      the holder             volatile, a plain increment
     * ioSpin     the holder             plain; handed on by holder
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
    private final long origin = System.nanoTime();

    private volatile @Nullable Worker holder;
    private volatile long deadline = AWAKE;
    private volatile long taken;

    Lead(WorkStealingScheduler scheduler) {
        this.scheduler = scheduler;
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
        for (Worker worker : scheduler.workers) {
            next = Math.min(next, sinceOrigin(worker.wheel.nextDeadline()));
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
