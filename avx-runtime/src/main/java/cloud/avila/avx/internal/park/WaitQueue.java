package cloud.avila.avx.internal.park;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A first-in-first-out queue of threads that wait for something: the part that locks, semaphores
 * and channels have in common. A subclass says in {@link #serve()} who may go on.
 *
 * @param <W> the kind of waiter
 */
public abstract class WaitQueue<W extends Waiter> {
    /*
     * Overview
     *
     * The list of waiters is worked on by one thread at a time, the server, and nobody ever waits
     * to become it. Whoever wants something done (a waiter arrived, a waiter withdrew, the thing
     * waited for changed) first makes that visible and then adds one to `requests`. The one that
     * finds zero becomes the server; everybody else leaves, for the server cannot give up its part
     * without noticing that `requests` has grown.
     *
     *   field      written by                       mode
     *   inbox      arriving waiters, server         compare-and-set, getAndSet
     *   withdrawn  withdrawing waiters, server      compare-and-set, getAndSet
     *   requests   everybody                        getAndAdd, getAndSet
     *   first      server                           volatile when it becomes non-null, else opaque
     *   last, wake, the waiters' links   server     plain: `requests` orders one server's writes
     *                                               before the next server's reads
     *   outcome    server or the waiter's thread    compare-and-set, once
     *
     * No wake-up is lost. A waiter is pushed (compare-and-set), then somebody reads the condition
     * in serve(). A thread that changes the condition does so with a volatile write or a
     * read-modify-write and then asks isEmpty(). In the total order of these accesses, either
     * isEmpty() comes after the push, sees the waiter and calls service(), or serve() comes after
     * the change and sees it. While the server moves waiters from inbox to list, both may look
     * empty for a moment; but then `first` has not been written yet (volatile), and serve() reads
     * the condition after that write.
     *
     * A waiter that gives up takes itself out of the list at once (by a request to the server), in
     * constant time, so that those who time out leave nothing behind.
     *
     * Threads are woken after the server's part was given up: waking is a system call at worst.
     * The chain of those to wake uses `next` of waiters that are never queued again.
     */

    private static final VarHandle INBOX;
    private static final VarHandle WITHDRAWN;
    private static final VarHandle REQUESTS;
    private static final VarHandle FIRST;

    static {
        try {
            var lookup = MethodHandles.lookup();
            INBOX = lookup.findVarHandle(WaitQueue.class, "inbox", Waiter.class);
            WITHDRAWN = lookup.findVarHandle(WaitQueue.class, "withdrawn", Waiter.class);
            REQUESTS = lookup.findVarHandle(WaitQueue.class, "requests", int.class);
            FIRST = lookup.findVarHandle(WaitQueue.class, "first", Waiter.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile @Nullable Waiter inbox;
    private volatile @Nullable Waiter withdrawn;
    private volatile int requests;
    private volatile @Nullable Waiter first;
    private @Nullable Waiter last;
    private @Nullable Waiter wake;

    /** An empty queue. */
    protected WaitQueue() {}

    /**
     * Grants what can be granted now, looking at {@link #first()} again and again. Runs on whatever
     * thread asked for service, on one at a time; must not block and must not throw.
     */
    protected abstract void serve();

    /**
     * Told by the server when a waiter that goes before the others has been put into the list.
     *
     * @param waiter the waiter, now the first
     */
    protected void returned(W waiter) {}

    /**
     * Whether nobody waits, as seen by a thread that has just changed what is waited for.
     *
     * @return false if somebody may wait, so that {@link #service()} is due
     */
    public final boolean isEmpty() {
        return first == null && inbox == null;
    }

    /**
     * Queues a waiter and serves.
     *
     * @param waiter a new waiter of the calling thread
     */
    public final void add(W waiter) {
        Waiter head = inbox;
        for (; ; ) {
            waiter.next = head;
            Waiter seen = (Waiter) INBOX.compareAndExchange(this, head, waiter);
            if (seen == head) {
                break;
            }
            head = seen;
        }
        service();
    }

    /**
     * Takes a waiter out of the queue, unless it has been granted something.
     *
     * @param waiter a waiter of the calling thread that was added before
     * @return false if it has been granted something, which the caller must then use or give back
     */
    public final boolean withdraw(W waiter) {
        if (!waiter.decide(Waiter.WITHDRAWN)) {
            return false;
        }
        Waiter head = withdrawn;
        for (; ; ) {
            waiter.nextWithdrawn = head;
            Waiter seen = (Waiter) WITHDRAWN.compareAndExchange(this, head, waiter);
            if (seen == head) {
                break;
            }
            head = seen;
        }
        service();
        return true;
    }

    /** Has {@link #serve()} run, by this thread or by the one that is serving. Never waits. */
    public final void service() {
        while ((int) REQUESTS.getAndAdd(this, 1) == 0) {
            int seen = requests;
            unlinkWithdrawn();
            linkArrived();
            serve();
            Waiter chain = wake;
            wake = null;
            boolean more = (int) REQUESTS.getAndSet(this, 0) != seen;
            wakeAll(chain);
            if (!more) {
                return;
            }
        }
    }

    /**
     * Waits until the waiter is granted something.
     *
     * @param waiter a waiter that was added
     * @param blocker what the thread waits on, for diagnosis
     * @return what was granted; if the thread was interrupted too late to withdraw, its interrupt
     *     status is set
     * @throws InterruptedException if interrupted; the waiter has been withdrawn
     */
    public final int await(W waiter, Object blocker) throws InterruptedException {
        int outcome;
        while ((outcome = waiter.outcome()) == Waiter.WAITING) {
            withdrawIfInterrupted(waiter);
            if (waiter.outcome() == Waiter.WAITING) {
                Parker.park(blocker);
            }
        }
        return outcome;
    }

    /**
     * Waits until the waiter is granted something or time is up.
     *
     * @param waiter a waiter that was added
     * @param blocker what the thread waits on, for diagnosis
     * @param deadline when to give up, by {@link System#nanoTime()}
     * @return what was granted, or {@link Waiter#WITHDRAWN} when time is up
     * @throws InterruptedException if interrupted; the waiter has been withdrawn
     */
    public final int awaitUntil(W waiter, Object blocker, long deadline)
            throws InterruptedException {
        int outcome;
        while ((outcome = waiter.outcome()) == Waiter.WAITING) {
            withdrawIfInterrupted(waiter);
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return withdraw(waiter) ? Waiter.WITHDRAWN : waiter.outcome();
            }
            if (waiter.outcome() == Waiter.WAITING) {
                Parker.parkNanos(blocker, left);
            }
        }
        return outcome;
    }

    /**
     * Waits until the waiter is granted something, whether the thread is interrupted or not. The
     * interrupt status stays as it is.
     *
     * @param waiter a waiter that was added
     * @param blocker what the thread waits on, for diagnosis
     * @return what was granted
     */
    public final int awaitUninterruptibly(W waiter, Object blocker) {
        boolean interrupted = false;
        int outcome;
        while ((outcome = waiter.outcome()) == Waiter.WAITING) {
            Parker.park(blocker);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return outcome;
    }

    /**
     * The waiter whose turn it is. For {@link #serve()} only.
     *
     * @return null if nobody waits
     */
    @SuppressWarnings("unchecked") // only add puts waiters in, and it takes W
    protected final @Nullable W first() {
        return (@Nullable W) FIRST.getOpaque(this);
    }

    /**
     * The waiter that came last. For {@link #serve()} only.
     *
     * @return null if nobody waits
     */
    @SuppressWarnings("unchecked") // only add puts waiters in, and it takes W
    protected final @Nullable W last() {
        return (@Nullable W) last;
    }

    /**
     * Takes a waiter out of the queue and lets it go on. For {@link #serve()} only.
     *
     * @param waiter what {@link #first()} or {@link #last()} returned
     * @param outcome what it is granted, at least {@link Waiter#GRANTED}
     * @return false if it had withdrawn and so was granted nothing
     */
    protected final boolean grant(W waiter, int outcome) {
        unlink(waiter);
        if (!waiter.decide(outcome)) {
            return false;
        }
        if (waiter.needsWaking()) {
            waiter.next = wake;
            wake = waiter;
        }
        return true;
    }

    private void withdrawIfInterrupted(W waiter) throws InterruptedException {
        if (Thread.interrupted()) {
            if (withdraw(waiter)) {
                throw new InterruptedException();
            }
            Thread.currentThread().interrupt();
        }
    }

    private void unlinkWithdrawn() {
        if (withdrawn == null) {
            return;
        }
        for (Waiter w = (Waiter) WITHDRAWN.getAndSet(this, null); w != null; ) {
            Waiter following = w.nextWithdrawn;
            w.nextWithdrawn = null;
            if (w.linked) {
                unlink(w);
            }
            w = following;
        }
    }

    @SuppressWarnings("unchecked") // only add puts waiters in, and it takes W
    private void linkArrived() {
        if (inbox == null) {
            return;
        }
        Waiter oldest = null;
        for (Waiter w = (Waiter) INBOX.getAndSet(this, null); w != null; ) {
            Waiter older = w.next;
            w.next = oldest;
            oldest = w;
            w = older;
        }
        for (Waiter w = oldest; w != null; ) {
            Waiter newer = w.next;
            w.next = null;
            if (w.isFirst()) {
                if (w.outcome() == Waiter.WAITING) {
                    linkFirst(w);
                }
                returned((W) w);
            } else if (w.outcome() == Waiter.WAITING) {
                linkLast(w);
            }
            w = newer;
        }
    }

    private void linkLast(Waiter w) {
        w.linked = true;
        Waiter before = last;
        last = w;
        w.previous = before;
        if (before == null) {
            first = w;
        } else {
            before.next = w;
        }
    }

    private void linkFirst(Waiter w) {
        w.linked = true;
        Waiter after = (Waiter) FIRST.getOpaque(this);
        w.next = after;
        if (after == null) {
            last = w;
        } else {
            after.previous = w;
        }
        first = w;
    }

    private void unlink(Waiter w) {
        Waiter before = w.previous;
        Waiter after = w.next;
        if (before == null) {
            FIRST.setOpaque(this, after);
        } else {
            before.next = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.previous = before;
        }
        w.linked = false;
        w.previous = null;
        w.next = null;
    }

    private static void wakeAll(@Nullable Waiter chain) {
        Waiter oldest = null;
        for (Waiter w = chain; w != null; ) {
            Waiter older = w.next;
            w.next = oldest;
            oldest = w;
            w = older;
        }
        for (Waiter w = oldest; w != null; ) {
            Waiter newer = w.next;
            w.next = null;
            w.wake();
            w = newer;
        }
    }
}
