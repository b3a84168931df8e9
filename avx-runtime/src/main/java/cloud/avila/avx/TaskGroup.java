package cloud.avila.avx;

import cloud.avila.avx.internal.park.ShortLocks;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Tasks that are started, cancelled and waited for together: what {@link JoinSet}, {@link Scope}
 * and the executor views have in common.
 *
 * @param <T> what the tasks return
 */
final class TaskGroup<T extends @Nullable Object> {
    /*
     * Overview.
     *
     * One lock guards the list of live members, their number, and what the owner of the group keeps
     * beside them. It is held for a few steps, never while a task is started, cancelled or run, while
     * user code runs, or while another lock is taken: workers' own threads spin for it (ShortLocks). Every step takes constant time, but for those that visit all members.
     *
     * A member ends, once, when its outcome is decided and its body runs no more. These are two
     * events, in any order: a task that is cancelled while it runs has its outcome at once, and its
     * body goes on until it has noticed. phase tells which has come:
     *
     *   NEW -> RUNNING -> BODY_OVER   then decided: ended
     *   NEW -> RUNNING -> DECIDED     cancelled while running; then the body is over: ended
     *   NEW -> OUT                    cancelled before it started, the body never runs: ended
     *   NEW -> OUT                    refused by the runtime: not counted as ended
     *
     * phase: compare-and-set by the member's thread and by who decides. thread: written by the
     * member's thread, opaque, compared with the reader's own thread only.
     */

    /** Told what happens to the members; called with the group's lock held. */
    interface Owner<T extends @Nullable Object> {
        /**
         * A member has ended.
         *
         * @return whether all the others are to be cancelled now
         */
        boolean ended(JoinHandle<? extends T> member);

        /** A member is not live any more without having ended: the runtime refused to start it. */
        void refused(JoinHandle<? extends T> member);

        /** A member has ended; called without the lock, after {@link #ended}. */
        default void afterEnd(JoinHandle<? extends T> member) {}
    }

    private static final int NEW = 0;
    private static final int RUNNING = 1;
    private static final int BODY_OVER = 2;
    private static final int DECIDED = 3;
    private static final int OUT = 4;

    private static final VarHandle PHASE;
    private static final VarHandle THREAD;

    static {
        try {
            var lookup = MethodHandles.lookup();
            PHASE = lookup.findVarHandle(Member.class, "phase", int.class);
            THREAD = lookup.findVarHandle(Member.class, "thread", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The body of a task of a group, and its place in the list. */
    private static final class Member<T extends @Nullable Object, U extends T>
            implements Callable<U>, Runnable {
        final TaskGroup<T> group;
        private @Nullable Callable<? extends U> body;
        private @Nullable SpawnedTask<U> task;
        private volatile int phase;
        @Nullable Thread thread;
        @Nullable Member<T, ?> previous;
        @Nullable Member<T, ?> next;
        boolean detached;

        Member(TaskGroup<T> group, Callable<? extends U> body) {
            this.group = group;
            this.body = body;
        }

        SpawnedTask<U> task() {
            return Objects.requireNonNull(task);
        }

        boolean runsOnThisThread() {
            return THREAD.getOpaque(this) == Thread.currentThread();
        }

        boolean refuse() {
            return PHASE.compareAndSet(this, NEW, OUT);
        }

        /** Runs the body, on the task's thread. */
        @Override
        public U call() throws Exception {
            if (!PHASE.compareAndSet(this, NEW, RUNNING)) {
                throw new CancellationException(task().name() + " was cancelled before it started");
            }
            Callable<? extends U> code = Objects.requireNonNull(body);
            body = null;
            THREAD.setOpaque(this, Thread.currentThread());
            try {
                return Scope.callClosing(code);
            } finally {
                THREAD.setOpaque(this, null);
                if (!PHASE.compareAndSet(this, RUNNING, BODY_OVER)) {
                    group.ended(this);
                }
            }
        }

        /** Called when the outcome is decided, by who decided it. */
        @Override
        public void run() {
            if (PHASE.compareAndSet(this, NEW, OUT)) {
                body = null;
                group.ended(this);
            } else if (!PHASE.compareAndSet(this, RUNNING, DECIDED)) {
                group.ended(this);
            }
        }
    }

    final ReentrantLock lock = new ReentrantLock();

    /** Signalled when no member is live any more, and when the owner has all others cancelled. */
    final Condition changed = lock.newCondition();

    private final SchedulerHandle handle;
    private final Owner<T> owner;
    private @Nullable Member<T, ?> first;
    private int live;

    TaskGroup(Handle handle, Owner<T> owner) {
        this.handle = SchedulerHandle.of(handle);
        this.owner = owner;
    }

    /** Takes the lock; to be given back by {@code lock.unlock()}. */
    void acquire() {
        ShortLocks.acquire(lock);
    }

    SchedulerHandle handle() {
        return handle;
    }

    /** How a member is started. */
    enum Kind {
        FIBER,
        BLOCKING
    }

    /**
     * Starts a member.
     *
     * @param admission asked with the lock held; throws if the group takes no more members, returns
     *     false if the task is to be cancelled at once
     */
    <U extends T> JoinHandle<U> spawn(
            Kind kind,
            @Nullable String name,
            Callable<? extends U> body,
            Admission<? super JoinHandle<U>> admission) {
        var member = new Member<T, U>(this, Objects.requireNonNull(body, "task"));
        SpawnedTask<U> task =
                kind == Kind.FIBER ? handle.newFiber(name, member) : handle.newBlocking(member);
        member.task = task;
        acquire();
        try {
            if (!admission.admits(task)) {
                task.cancel(false);
                return task;
            }
            link(member);
        } finally {
            lock.unlock();
        }
        task.runWhenDecided(member);
        try {
            if (kind == Kind.FIBER) {
                handle.startFiber(task, name);
            } else {
                handle.startBlocking(task);
            }
        } catch (RejectedExecutionException | Error e) {
            if (!member.refuse()) {
                return task; // cancelled meanwhile, which the owner has been told
            }
            acquire();
            try {
                member.detached = true;
                unlink(member);
                owner.refused(task);
            } finally {
                lock.unlock();
            }
            throw e;
        }
        return task;
    }

    /** Decides, with the lock held, whether a task becomes a member. */
    @FunctionalInterface
    interface Admission<H> {
        boolean admits(H task);
    }

    private void ended(Member<T, ?> member) {
        boolean cancelOthers = false;
        acquire();
        try {
            if (!member.detached) {
                unlink(member);
                cancelOthers = owner.ended(member.task());
                if (cancelOthers) {
                    changed.signalAll();
                }
            }
        } finally {
            lock.unlock();
        }
        if (cancelOthers) {
            cancelAll();
        }
        owner.afterEnd(member.task());
    }

    private void link(Member<T, ?> member) {
        Member<T, ?> second = first;
        member.next = second;
        if (second != null) {
            second.previous = member;
        }
        first = member;
        live++;
    }

    private void unlink(Member<T, ?> member) {
        Member<T, ?> before = member.previous;
        Member<T, ?> after = member.next;
        if (before == null) {
            first = after;
        } else {
            before.next = after;
        }
        if (after != null) {
            after.previous = before;
        }
        member.previous = null;
        member.next = null;
        live--;
        if (live == 0) {
            changed.signalAll();
        }
    }

    /** Members that have not ended; with the lock held. */
    int live() {
        return live;
    }

    private List<SpawnedTask<? extends T>> members() {
        List<SpawnedTask<? extends T>> tasks = new ArrayList<>(live);
        for (Member<T, ?> m = first; m != null; m = m.next) {
            tasks.add(m.task());
        }
        return tasks;
    }

    /** Cancels the members that are live now. */
    void cancelAll() {
        List<SpawnedTask<? extends T>> tasks;
        acquire();
        try {
            tasks = members();
        } finally {
            lock.unlock();
        }
        tasks.forEach(task -> task.cancel(true));
    }

    /**
     * Cancels the members that have not started.
     *
     * @return what they would have run, oldest first
     */
    List<Callable<?>> cancelUnstarted() {
        List<Member<T, ?>> members = new ArrayList<>();
        acquire();
        try {
            for (Member<T, ?> m = first; m != null; m = m.next) {
                members.add(m);
            }
        } finally {
            lock.unlock();
        }
        List<Callable<?>> bodies = new ArrayList<>();
        for (Member<T, ?> m : members.reversed()) {
            Callable<?> body = m.body; // cleared by whoever starts or cancels the task
            if (m.task().cancelUnstarted() && body != null) {
                bodies.add(body);
            }
        }
        return bodies;
    }

    /** Lets the members go their own way, with the lock held; newest first. */
    List<SpawnedTask<? extends T>> detachAll() {
        List<SpawnedTask<? extends T>> tasks = members();
        for (Member<T, ?> m = first; m != null; ) {
            Member<T, ?> after = m.next;
            m.detached = true;
            m.previous = null;
            m.next = null;
            m = after;
        }
        first = null;
        live = 0;
        changed.signalAll();
        return tasks;
    }

    /**
     * Refuses to wait for a member on its own thread, with the lock held.
     *
     * @throws IllegalStateException if the calling thread runs a member
     */
    void checkNotAMember(String call) {
        for (Member<T, ?> m = first; m != null; m = m.next) {
            if (m.runsOnThisThread()) {
                throw new IllegalStateException(
                        call
                                + " was called by "
                                + m.task().name()
                                + ", which is one of the tasks it waits for; call it from outside");
            }
        }
    }

    /** Waits until no member is live. */
    void awaitEnd() throws InterruptedException {
        acquire();
        try {
            while (live > 0) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits until no member is live; an interrupt is kept. */
    void awaitEndUninterruptibly() {
        acquire();
        try {
            while (live > 0) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
