package cloud.avila.avx.channel;

import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.Outcome;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Futures;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.Supplier;

/** One of the things that a {@link Select} waits for. Used by the thread that runs the select. */
abstract sealed class SelectBranch<R extends @Nullable Object> {
    /** What an attempt returns when the branch will never be possible. */
    static final Object CLOSED = new Object();

    /** What an attempt returns when it was done and there is nothing to hand on. */
    static final Object DONE = new Object();

    /** What an attempt returns when the end of the channel has a function of its own. */
    private static final Object END = new Object();

    private @Nullable SelectWaiter waiter;
    private boolean leftOut;

    /** A run begins. */
    void begin() {
        leftOut = false;
    }

    /** Whether the select is there for this, not only limited by it. */
    boolean isSource() {
        return true;
    }

    /** Does the operation if it is possible now: what to complete with, CLOSED, or null. */
    abstract @Nullable Object attempt();

    /** Calls the branch's function. */
    abstract R complete(Object taken);

    abstract void register(SelectWaiter w);

    abstract void deregister(SelectWaiter w);

    final void leaveOut() {
        leftOut = true;
        leave();
    }

    final boolean isLeftOut() {
        return leftOut;
    }

    /** Registers a new waiter. */
    final void join() {
        if (!leftOut) {
            var w = new SelectWaiter();
            register(w);
            waiter = w;
        }
    }

    final boolean isTold() {
        return waiter != null && waiter.isTold();
    }

    final void leave() {
        SelectWaiter w = waiter;
        if (w != null) {
            waiter = null;
            deregister(w);
        }
    }

    boolean isTimer() {
        return false;
    }

    /** When a timer is due, by {@link System#nanoTime()}. */
    long due() {
        throw new UnsupportedOperationException();
    }

    /** Whether both receive from the same receiver, which has one receiving thread. */
    final boolean receivesLike(SelectBranch<R> other) {
        return this instanceof Recv<R, ?> mine
                && other instanceof Recv<R, ?> theirs
                && mine.from == theirs.from;
    }

    /** What a task that ended returned; throws as joining it does. */
    static <T extends @Nullable Object> T joined(JoinHandle<T> task, Outcome<T> outcome) {
        return switch (outcome) {
            case Outcome.Completed<T>(T value) -> value;
            case Outcome.Failed<T>(Throwable cause) -> throw new CompletionException(cause);
            case Outcome.Cancelled<T> c ->
                    throw new CancellationException(task.name() + " was cancelled");
        };
    }

    static final class Recv<R extends @Nullable Object, T> extends SelectBranch<R> {
        private final Object from;
        private final Selectable side;
        private final Supplier<RecvResult<T>> tryRecv;
        private final Function<? super T, ? extends R> then;
        private final @Nullable Supplier<? extends R> atEnd;

        Recv(
                Object from,
                Selectable side,
                Supplier<RecvResult<T>> tryRecv,
                Function<? super T, ? extends R> then,
                @Nullable Supplier<? extends R> atEnd) {
            this.from = from;
            this.side = side;
            this.tryRecv = tryRecv;
            this.then = then;
            this.atEnd = atEnd;
        }

        @Override
        @Nullable Object attempt() {
            return switch (tryRecv.get()) {
                case RecvResult.Received<T>(T message) -> message;
                case RecvResult.Empty<T> e -> null;
                case RecvResult.Closed<T> c -> atEnd == null ? CLOSED : END;
            };
        }

        @Override
        @SuppressWarnings("unchecked") // what attempt has returned
        R complete(Object taken) {
            return taken == END && atEnd != null ? atEnd.get() : then.apply((T) taken);
        }

        @Override
        void register(SelectWaiter w) {
            side.register(w);
        }

        @Override
        void deregister(SelectWaiter w) {
            side.deregister(w);
        }

        @Override
        public String toString() {
            return "recv from " + from;
        }
    }

    static final class Send<R extends @Nullable Object, T> extends SelectBranch<R> {
        private final Sender<T> to;
        private final Selectable side;
        private final T message;
        private final Supplier<? extends R> then;

        Send(Sender<T> to, Selectable side, T message, Supplier<? extends R> then) {
            this.to = to;
            this.side = side;
            this.message = message;
            this.then = then;
        }

        @Override
        @Nullable Object attempt() {
            return switch (to.trySend(message)) {
                case SendResult.Sent s -> DONE;
                case SendResult.Full f -> null;
                case SendResult.Closed c -> CLOSED;
            };
        }

        @Override
        R complete(Object taken) {
            return then.get();
        }

        @Override
        void register(SelectWaiter w) {
            side.register(w);
        }

        @Override
        void deregister(SelectWaiter w) {
            side.deregister(w);
        }

        @Override
        public String toString() {
            return "send to " + to;
        }
    }

    static final class Join<R extends @Nullable Object, T extends @Nullable Object>
            extends SelectBranch<R> {
        private final JoinHandle<T> task;
        private final Function<? super Outcome<T>, ? extends R> then;
        private @Nullable Future<T> end;

        Join(JoinHandle<T> task, Function<? super Outcome<T>, ? extends R> then) {
            this.task = task;
            this.then = then;
        }

        @Override
        @Nullable Object attempt() {
            return task.isDone() ? DONE : null;
        }

        @Override
        R complete(Object taken) {
            return then.apply(task.outcome());
        }

        @Override
        void register(SelectWaiter w) {
            end = task.asFuture();
            try {
                if (end.poll(Context.of(w::tell)).isReady()) {
                    w.tell();
                }
            } catch (Exception e) {
                w.tell(); // the task has failed, which its outcome says
            }
        }

        @Override
        void deregister(SelectWaiter w) {
            Futures.drop(end);
            end = null;
        }

        @Override
        public String toString() {
            return "join of " + task.name();
        }
    }

    static final class After<R extends @Nullable Object> extends SelectBranch<R> {
        private final Duration delay;
        private final Supplier<? extends R> then;
        private long due;

        After(Duration delay, Supplier<? extends R> then) {
            this.delay = delay;
            this.then = then;
        }

        @Override
        void begin() {
            super.begin();
            due = Deadline.after(delay);
        }

        @Override
        boolean isSource() {
            return false;
        }

        @Override
        boolean isTimer() {
            return true;
        }

        @Override
        long due() {
            return due;
        }

        @Override
        @Nullable Object attempt() {
            return due - System.nanoTime() <= 0 ? DONE : null;
        }

        @Override
        R complete(Object taken) {
            return then.get();
        }

        @Override
        void register(SelectWaiter w) {}

        @Override
        void deregister(SelectWaiter w) {}

        @Override
        public String toString() {
            return "after " + delay;
        }
    }

    static final class On<R extends @Nullable Object> extends SelectBranch<R> {
        private final CancellationToken token;
        private final Supplier<? extends R> then;
        private CancellationToken.@Nullable Registration registration;

        On(CancellationToken token, Supplier<? extends R> then) {
            this.token = token;
            this.then = then;
        }

        @Override
        boolean isSource() {
            return false;
        }

        @Override
        @Nullable Object attempt() {
            return token.isCancelled() ? DONE : null;
        }

        @Override
        R complete(Object taken) {
            return then.get();
        }

        @Override
        void register(SelectWaiter w) {
            registration = token.onCancel(w::tell);
        }

        @Override
        void deregister(SelectWaiter w) {
            if (registration != null) {
                registration.close();
                registration = null;
            }
        }

        @Override
        public String toString() {
            return "on " + token;
        }
    }

    /** What is done instead of any branch. */
    static final class Always<R extends @Nullable Object> extends SelectBranch<R> {
        private final Supplier<? extends R> then;

        Always(Supplier<? extends R> then) {
            this.then = then;
        }

        @Override
        Object attempt() {
            return DONE;
        }

        @Override
        R complete(Object taken) {
            return then.get();
        }

        @Override
        void register(SelectWaiter w) {}

        @Override
        void deregister(SelectWaiter w) {}
    }
}
