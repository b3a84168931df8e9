package cloud.avila.avx.internal.park;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One thread's wait, in a {@link WaitQueue} as a rule. Made by the thread that waits, used for one
 * wait only: a waiter that was granted or withdrawn is never queued again.
 */
public class Waiter {
    /** Still waiting. */
    public static final int WAITING = 0;

    /** Given up by its own thread: interrupted or out of time. */
    public static final int WITHDRAWN = 1;

    /** The smallest outcome that a queue may grant; what each number means is the queue's own. */
    public static final int GRANTED = 2;

    static final VarHandle OUTCOME;

    static {
        try {
            OUTCOME = MethodHandles.lookup().findVarHandle(Waiter.class, "outcome", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Thread thread;
    private final boolean first;
    private volatile int outcome; // leaves WAITING once, by compare-and-set of server or waiter

    @Nullable Waiter next; // inbox, then list, then the server's wake chain
    @Nullable Waiter previous; // server only
    boolean linked; // server only
    @Nullable Waiter nextWithdrawn; // set by the waiter, read by the server

    /** A waiter for the calling thread that queues behind those who wait. */
    public Waiter() {
        this(false);
    }

    /**
     * A waiter for the calling thread.
     *
     * @param first whether it goes before those who wait instead of behind them
     */
    public Waiter(boolean first) {
        this.thread = Thread.currentThread();
        this.first = first;
    }

    /**
     * The thread that waits.
     *
     * @return the thread that made this waiter
     */
    public final Thread thread() {
        return thread;
    }

    /**
     * Whether it goes before those who wait.
     *
     * @return what the constructor was given
     */
    public final boolean isFirst() {
        return first;
    }

    /**
     * How the wait stands.
     *
     * @return {@link #WAITING}, {@link #WITHDRAWN} or what the queue granted
     */
    public final int outcome() {
        return outcome;
    }

    /**
     * Lets the one that waits go on. Called after the outcome was decided, on any thread, while no
     * lock and no queue is held. Must not block and must not throw.
     */
    public void wake() {
        Parker.unpark(thread);
    }

    /**
     * Whether the one that waits has to be woken if the calling thread decides the outcome.
     *
     * @return false if it is the calling thread itself, which looks at the outcome anyway
     */
    protected boolean needsWaking() {
        return thread != Thread.currentThread();
    }

    /**
     * Ends the wait, which happens once.
     *
     * @param decided the outcome
     * @return false if another outcome was decided before
     */
    public final boolean decide(int decided) {
        return OUTCOME.compareAndSet(this, WAITING, decided);
    }
}
