package cloud.avila.avx;

import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Interruptible;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.ShortLocks;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Tells any number of tasks to stop. Tokens form a tree: cancelling one cancels its children, and
 * their children, but not its parent.
 *
 * <pre>{@code
 * var server = CancellationToken.create();
 * rt.spawn(() -> serve(connection, server.child()));
 * ...
 * server.cancel("shutting down");
 * }</pre>
 *
 * <p>Whoever is to stop asks {@link #isCancelled()} or {@link #throwIfCancelled()} now and then,
 * waits in {@link #await()}, registers an action with {@link #onCancel}, or runs code in {@link
 * #callUntilCancelled}, which interrupts it. A token that was cancelled stays so.
 *
 * <p>A child costs its parent nothing: the parent knows only those children on which something is
 * registered or waits. So tokens are not closed; registrations are, and a token on which nothing is
 * registered any more is garbage as soon as nobody refers to it, however long its parent lives.
 *
 * <p>Thread-safe; belongs to no runtime. What a thread did before it cancelled a token
 * happens-before what others do after they have noticed it.
 */
public final class CancellationToken {
    /*
     * Overview.
     *
     * Each token has a lock, which guards a list of entries: callbacks, and links to those children
     * that have entries themselves. The first entry of a token links it to its parent, the last one
     * that goes unlinks it, and so on upwards. Locks are taken from child to parent, by spinning
     * (ShortLocks), and none is held while a callback runs.
     *
     * Cancelling writes cause and takes the list, in one critical section; nothing is added after
     * that. The list then belongs to the canceller, who goes through it, and through those of the
     * linked children in turn. Entries taken that way are not unlinked any more.
     *
     * field                     writer                   mode
     * cause                     holder of the lock, once volatile
     * first, last, entry links  holder of the lock       plain; after cancelling, its canceller
     * action                    owner, canceller         getAndSet: who gets it runs or drops it
     *
     * A token counts as cancelled as soon as an ancestor's cause is set: isCancelled looks upwards. A
     * child that adds its first entry while its parent is being cancelled finds the parent's cause
     * under the parent's lock, and is then cancelled by the thread that adds. One that was linked
     * before is in the list that the parent's canceller takes.
     */

    private static final BoundedLog LOG = new BoundedLog(CancellationToken.class);
    private static final VarHandle ACTION;

    static {
        try {
            ACTION = MethodHandles.lookup().findVarHandle(Callback.class, "action", Runnable.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** An action that waits for a token to be cancelled. */
    public interface Registration extends AutoCloseable {
        /**
         * Takes the action back: it does not begin after this. Does not wait for one that has begun
         * on the canceller's thread. Idempotent; never blocks for long.
         */
        @Override
        void close();
    }

    private record Cause(@Nullable String reason) {}

    private abstract static class Entry {
        @Nullable Entry previous;
        @Nullable Entry next;
    }

    /** Stands for a child in the list of its parent. */
    private static final class Link extends Entry {
        final CancellationToken child;

        Link(CancellationToken child) {
            this.child = child;
        }
    }

    private static final class Callback extends Entry implements Registration {
        private final CancellationToken token;
        private volatile @Nullable Runnable action;

        Callback(CancellationToken token, Runnable action) {
            this.token = token;
            this.action = action;
        }

        void run() {
            Runnable taken = (Runnable) ACTION.getAndSet(this, null);
            if (taken != null) {
                try {
                    taken.run();
                } catch (Throwable e) {
                    LOG.log(
                            Level.ERROR,
                            "an action registered with a cancellation token threw; the others go on: "
                                    + taken,
                            e);
                }
            }
        }

        @Override
        public void close() {
            if (ACTION.getAndSet(this, null) != null) {
                token.remove(this);
            }
        }
    }

    private final @Nullable CancellationToken parent;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable Cause cause;
    private @Nullable Link link;
    private @Nullable Entry first;
    private @Nullable Entry last;

    private CancellationToken(@Nullable CancellationToken parent) {
        this.parent = parent;
    }

    /**
     * A token without a parent.
     *
     * @return a token that is not cancelled
     */
    public static CancellationToken create() {
        return new CancellationToken(null);
    }

    /**
     * A token that is cancelled with this one, and can be cancelled alone.
     *
     * @return a new token; cancelled already if this one is
     */
    public CancellationToken child() {
        return new CancellationToken(this);
    }

    /**
     * Cancels this token and all below it. What is registered with them runs on the calling thread
     * before this returns, parents before children; what an action throws goes to the log.
     *
     * @return false if the token was cancelled before
     */
    public boolean cancel() {
        return !isCancelled() && cancelTree(new Cause(null));
    }

    /**
     * Cancels this token and all below it, see {@link #cancel()}, and says why.
     *
     * @param reason what {@link #reason()} tells, and the message of {@link #throwIfCancelled()}
     * @return false if the token was cancelled before, so that the reason is that one's
     */
    public boolean cancel(String reason) {
        Objects.requireNonNull(reason, "reason");
        return !isCancelled() && cancelTree(new Cause(reason));
    }

    /**
     * Whether this token or one above it was cancelled.
     *
     * @return true from then on
     */
    public boolean isCancelled() {
        return cause() != null;
    }

    /**
     * Why the token was cancelled.
     *
     * @return the reason; empty if the token is not cancelled, or none was given
     */
    public Optional<String> reason() {
        Cause c = cause();
        return c == null ? Optional.empty() : Optional.ofNullable(c.reason);
    }

    /**
     * Does nothing unless the token is cancelled.
     *
     * @throws CancellationException if it is; the message has the reason
     */
    public void throwIfCancelled() {
        Cause c = cause();
        if (c != null) {
            throw exception(c);
        }
    }

    /**
     * Registers an action to run when the token is cancelled; at once, on the calling thread, if it
     * is already. Otherwise it runs on the thread that cancels, which waits for it: it must be
     * short and must not block. What it throws goes to the log.
     *
     * @param action what to run, once
     * @return to take the action back; a token keeps the action until then
     */
    public Registration onCancel(Runnable action) {
        var callback = new Callback(this, Objects.requireNonNull(action, "action"));
        add(callback);
        return callback;
    }

    /**
     * Waits until the token is cancelled. From a fiber this parks the fiber only.
     *
     * @throws InterruptedException if the calling thread was interrupted while waiting
     */
    public void await() throws InterruptedException {
        awaitUntil(false, 0);
    }

    /**
     * Waits until the token is cancelled, for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return whether the token is cancelled
     * @throws InterruptedException if the calling thread was interrupted while waiting
     */
    public boolean await(Duration timeout) throws InterruptedException {
        return awaitUntil(true, Deadline.after(timeout));
    }

    /**
     * Runs code on the calling thread and interrupts it when the token is cancelled. The code must
     * answer to interruption, as everything that blocks in this runtime and in the JDK does.
     *
     * <p>What comes out is as with {@link cloud.avila.avx.time.Timeout}, with which these calls
     * nest in any order: a value that the code returned is returned, even if the token was
     * cancelled meanwhile; the token's own interrupt is gone when the call returns, one by somebody
     * else that came before it is not.
     *
     * @param code what to run
     * @param <T> what it returns
     * @return what the code returned
     * @throws CancellationException if the token is cancelled already and the code was not run, or
     *     if the code was interrupted by the token and then threw an exception, which is the cause
     * @throws InterruptedException if the thread was interrupted by somebody else and the code
     *     threw this
     * @throws Exception what the code threw
     */
    public <T extends @Nullable Object> T callUntilCancelled(Callable<? extends T> code)
            throws Exception {
        Objects.requireNonNull(code, "code");
        throwIfCancelled();
        var block = new Interruptible();
        block.enter();
        Registration registration = onCancel(block::interrupt);
        try {
            T value = code.call();
            end(block, registration, false);
            return value;
        } catch (Exception e) {
            boolean interrupted = e instanceof InterruptedException;
            Cause c = end(block, registration, interrupted) ? cause() : null;
            if (c == null || interrupted && block.isForeign()) {
                throw e;
            }
            CancellationException cancelled = exception(c);
            cancelled.initCause(e);
            throw cancelled;
        } catch (Throwable t) {
            end(block, registration, false);
            throw t;
        }
    }

    private static boolean end(Interruptible block, Registration registration, boolean consumed) {
        registration.close();
        return block.exit(consumed);
    }

    /** The number of entries, for tests. */
    int entries() {
        ShortLocks.acquireNested(lock);
        try {
            int n = 0;
            for (Entry e = first; e != null; e = e.next) {
                n++;
            }
            return n;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        Cause c = cause();
        return "CancellationToken["
                + (c == null ? "not cancelled" : c.reason == null ? "cancelled" : c.reason)
                + "]";
    }

    private @Nullable Cause cause() {
        for (CancellationToken t = this; t != null; t = t.parent) {
            Cause c = t.cause;
            if (c != null) {
                return c;
            }
        }
        return null;
    }

    private static CancellationException exception(Cause cause) {
        return new CancellationException(
                cause.reason == null
                        ? "the token was cancelled"
                        : "the token was cancelled: " + cause.reason);
    }

    private boolean awaitUntil(boolean timed, long deadline) throws InterruptedException {
        if (isCancelled()) {
            return true;
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Thread waiter = Thread.currentThread();
        try (Registration r = onCancel(() -> Parker.unpark(waiter))) {
            while (!isCancelled()) {
                if (!timed) {
                    Parker.park(this);
                } else {
                    long left = deadline - System.nanoTime();
                    if (left <= 0) {
                        return false;
                    }
                    Parker.parkNanos(this, left);
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        }
        return true;
    }

    /** Adds a callback, or runs it if the token is cancelled. */
    private void add(Callback callback) {
        CancellationToken token = this;
        CancellationToken below = null;
        Entry entry = callback;
        Cause found;
        for (; ; ) {
            ShortLocks.acquireNested(token.lock);
            found = token.cause;
            if (found != null) {
                break;
            }
            boolean hadEntries = token.first != null;
            token.append(entry);
            if (hadEntries || token.parent == null) {
                break;
            }
            if (token.link == null) {
                token.link = new Link(token);
            }
            entry = token.link;
            below = token;
            token = token.parent;
        }
        unlockUpTo(token);
        if (found != null) {
            if (below == null) {
                callback.run();
            } else {
                below.cancelTree(found);
            }
        }
    }

    /** Removes an entry that was added, unless a canceller has it. */
    private void remove(Entry added) {
        CancellationToken token = this;
        Entry entry = added;
        for (; ; ) {
            ShortLocks.acquireNested(token.lock);
            if (token.cause != null) {
                break;
            }
            token.unlink(entry);
            if (token.first != null || token.parent == null) {
                break;
            }
            entry = Objects.requireNonNull(token.link);
            token = token.parent;
        }
        unlockUpTo(token);
    }

    private void unlockUpTo(CancellationToken top) {
        CancellationToken token = this;
        while (token != top) {
            token.lock.unlock();
            token = Objects.requireNonNull(token.parent);
        }
        top.lock.unlock();
    }

    private void append(Entry entry) {
        Entry before = last;
        entry.previous = before;
        entry.next = null;
        if (before == null) {
            first = entry;
        } else {
            before.next = entry;
        }
        last = entry;
    }

    private void unlink(Entry entry) {
        Entry before = entry.previous;
        Entry after = entry.next;
        if (before == null) {
            first = after;
        } else {
            before.next = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.previous = before;
        }
        entry.previous = null;
        entry.next = null;
    }

    /** Cancels this token and those linked below it; false if this one was cancelled before. */
    private boolean cancelTree(Cause reason) {
        boolean cancelled = false;
        var linked = new ArrayDeque<CancellationToken>();
        for (CancellationToken token = this; token != null; token = linked.poll()) {
            Entry taken;
            ShortLocks.acquireNested(token.lock);
            try {
                if (token.cause != null) {
                    continue;
                }
                token.cause = reason;
                taken = token.first;
                token.first = null;
                token.last = null;
            } finally {
                token.lock.unlock();
            }
            if (token == this) {
                cancelled = true;
                if (taken != null && parent != null) {
                    parent.remove(Objects.requireNonNull(link));
                }
            }
            for (Entry e = taken; e != null; e = e.next) {
                if (e instanceof Link l) {
                    linked.add(l.child);
                } else {
                    ((Callback) e).run();
                }
            }
        }
        return cancelled;
    }
}
