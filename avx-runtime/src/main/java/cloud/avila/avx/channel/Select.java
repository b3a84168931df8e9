package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.Outcome;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Waits for the first of several things, does that one, and leaves the others alone:
 *
 * {@snippet :
 * String next = Select.<String>fair()
 *         .recv(lines, line -> "line " + line)
 *         .recv(events, event -> "event " + event)
 *         .after(Duration.ofMillis(50), () -> "late")
 *         .on(token, () -> "cancelled")
 *         .run();
 * }
 *
 * <p>Exactly one branch is done: its message is received or sent, then its function is called, on
 * the calling thread, and {@code run} returns what that returns. The other branches have no effect:
 * nothing is taken from them, nothing is sent, and nobody is left waiting in them. Which branch is
 * done, if several could be, is drawn by lot ({@link #fair()}), each with the same chance, or is
 * the one that was added first ({@link #biased()}).
 *
 * <p><b>The end of channels.</b> A branch whose channel is closed and drained, or cannot be sent to
 * any more, is left out; the others go on. Once that is so for all channels of the select, and it
 * waits for no task either, the select ends: with the function given to {@link #onClosed},
 * otherwise with a {@link ChannelClosedException}. It does so even if it has timers or tokens, for
 * these say how long to wait, and there is nothing left to wait for. To notice the end of a single
 * channel, give its branch a function for it: {@link #recv(Receiver, Function, Supplier)}.
 *
 * <p>A select may be run again and again, which costs less than making a new one; timers start anew
 * with each run. It is used by one thread at a time, which is the one thread that receives from its
 * receivers meanwhile. A run that does not have to wait registers nowhere. Of those that wait to
 * send in a channel, a select gets its turn like everybody else, but is only told of it, and tries
 * then as a newcomer does.
 *
 * @param <R> what the branches return
 */
public final class Select<R extends @Nullable Object> {
    /*
     * Overview
     *
     * A run tries the branches in turn. If none is possible, it registers a waiter with each, tries
     * them all again (what became possible before the registration tells nobody), and parks until one
     * of the waiters was told or the first timer is due. Then it registers anew where it was told,
     * tries all again, and so on. At the end it deregisters everywhere, after the operation that won:
     * then a branch that was told of something only it was told of passes that on, and whoever is
     * told next finds it as the winner left it.
     *
     * A waiter that was told and then lost the operation to somebody else is registered anew before
     * the next try, so that there is no moment in which what becomes possible tells nobody.
     */

    private static final VarHandle RUNNING;

    static {
        try {
            RUNNING = MethodHandles.lookup().findVarHandle(Select.class, "running", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final List<SelectBranch<R>> branches = new ArrayList<>();
    private final boolean fair;
    private final @Nullable RandomGenerator random;
    private int[] order = {};
    private @Nullable Choice<R> orElse;
    private @Nullable Choice<R> onClosed;
    private int sources;
    private int open; // sources that may still become possible in this run

    @SuppressWarnings("unused") // through RUNNING
    private volatile boolean running;

    private Select(boolean fair, @Nullable RandomGenerator random) {
        this.fair = fair;
        this.random = random;
    }

    /**
     * A select that draws lots among the branches that are possible.
     *
     * @param <R> what the branches return
     * @return a new select without branches
     */
    public static <R extends @Nullable Object> Select<R> fair() {
        return new Select<>(true, null);
    }

    /**
     * A select that draws lots among the branches that are possible, always the same lots.
     *
     * @param seed what the lots depend on
     * @param <R> what the branches return
     * @return a new select without branches
     */
    public static <R extends @Nullable Object> Select<R> fair(long seed) {
        return new Select<>(true, new SplittableRandom(seed));
    }

    /**
     * A select that does the first of the branches that are possible, in the order in which they
     * were added. A branch that is always possible starves those after it.
     *
     * @param <R> what the branches return
     * @return a new select without branches
     */
    public static <R extends @Nullable Object> Select<R> biased() {
        return new Select<>(false, null);
    }

    /**
     * Adds a branch that receives a message. When the channel is closed and drained, the branch is
     * left out. When a {@link Broadcast} has overwritten messages, {@code run} throws the {@link
     * LaggedException}.
     *
     * @param from where to receive; this thread's alone while the select runs
     * @param then what to do with the message
     * @param <T> the type of messages
     * @return this
     * @throws IllegalArgumentException if the receiver has a branch already, or is no receiver of
     *     this package
     */
    public <T> Select<R> recv(Receiver<T> from, Function<? super T, ? extends R> then) {
        return addRecv(from, then, null);
    }

    /**
     * Adds a branch that receives a message, or notices that there will be none.
     *
     * @param from where to receive; this thread's alone while the select runs
     * @param then what to do with the message
     * @param atEnd what to do when the channel is closed and drained
     * @param <T> the type of messages
     * @return this
     * @throws IllegalArgumentException if the receiver has a branch already, or is no receiver of
     *     this package
     */
    public <T> Select<R> recv(
            Receiver<T> from, Function<? super T, ? extends R> then, Supplier<? extends R> atEnd) {
        return addRecv(from, then, requireNonNull(atEnd, "atEnd"));
    }

    /**
     * Adds a branch that receives the value of a oneshot. When that was closed instead, the branch
     * is left out.
     *
     * @param from what to receive from; this thread's alone while the select runs
     * @param then what to do with the value
     * @param <T> the type of the value
     * @return this
     */
    public <T> Select<R> recv(Oneshot<T> from, Function<? super T, ? extends R> then) {
        requireNonNull(then, "then");
        return add(new SelectBranch.Recv<R, T>(from, from.side(), from::tryRecv, then, null));
    }

    private <T> Select<R> addRecv(
            Receiver<T> from,
            Function<? super T, ? extends R> then,
            @Nullable Supplier<? extends R> atEnd) {
        requireNonNull(then, "then");
        if (!(requireNonNull(from, "from") instanceof Selectable side)) {
            throw new IllegalArgumentException(
                    "a select can wait only for what a channel of this package has made, not for "
                            + from.getClass().getName());
        }
        return add(new SelectBranch.Recv<>(from, side, from::tryRecv, then, atEnd));
    }

    /**
     * Adds a branch that sends a message. When the receiver or the sender is closed, the branch is
     * left out.
     *
     * @param to where to send
     * @param message the message, sent at most once in each run
     * @param then what to do once it was sent
     * @param <T> the type of messages
     * @return this
     * @throws IllegalArgumentException if this is no sender of this package
     */
    public <T> Select<R> send(Sender<T> to, T message, Supplier<? extends R> then) {
        requireNonNull(message, "message");
        requireNonNull(then, "then");
        if (!(requireNonNull(to, "to") instanceof Selectable side)) {
            throw new IllegalArgumentException(
                    "a select can wait only for what a channel of this package has made, not for "
                            + to.getClass().getName());
        }
        return add(new SelectBranch.Send<>(to, side, message, then));
    }

    /**
     * Adds a branch that waits for a task to end. If the task failed or was cancelled, {@code run}
     * throws what {@link JoinHandle#join()} throws.
     *
     * @param task the task, which runs on if another branch is done
     * @param then what to do with what it returned
     * @param <T> what the task returns
     * @return this
     */
    public <T extends @Nullable Object> Select<R> join(
            JoinHandle<T> task, Function<? super T, ? extends R> then) {
        requireNonNull(then, "then");
        return outcome(task, outcome -> then.apply(SelectBranch.joined(task, outcome)));
    }

    /**
     * Adds a branch that waits for a task to end, in whatever way.
     *
     * @param task the task, which runs on if another branch is done
     * @param then what to do with how it ended
     * @param <T> what the task returns
     * @return this
     */
    public <T extends @Nullable Object> Select<R> outcome(
            JoinHandle<T> task, Function<? super Outcome<T>, ? extends R> then) {
        return add(
                new SelectBranch.Join<>(
                        requireNonNull(task, "task"), requireNonNull(then, "then")));
    }

    /**
     * Adds a branch that is possible some time after the start of each run.
     *
     * @param delay the time; zero or less is possible at once
     * @param then what to do then
     * @return this
     */
    public Select<R> after(Duration delay, Supplier<? extends R> then) {
        return add(
                new SelectBranch.After<>(
                        requireNonNull(delay, "delay"), requireNonNull(then, "then")));
    }

    /**
     * Adds a branch that is possible once a token is cancelled.
     *
     * @param token the token
     * @param then what to do then
     * @return this
     */
    public Select<R> on(CancellationToken token, Supplier<? extends R> then) {
        return add(
                new SelectBranch.On<>(
                        requireNonNull(token, "token"), requireNonNull(then, "then")));
    }

    /**
     * Has the select not wait: if no branch is possible, it does this.
     *
     * @param then what to do if nothing else is possible now
     * @return this
     */
    public Select<R> orElse(Supplier<? extends R> then) {
        orElse = Choice.of(then);
        return this;
    }

    /**
     * Says what to do when all channels of the select are closed and it waits for no task, instead
     * of throwing a {@link ChannelClosedException}.
     *
     * @param then what to do
     * @return this
     */
    public Select<R> onClosed(Supplier<? extends R> then) {
        onClosed = Choice.of(then);
        return this;
    }

    /**
     * Waits for a branch to become possible and does it.
     *
     * @return what the branch's function returned
     * @throws InterruptedException if the calling thread is interrupted before or while it waits;
     *     no branch was done. With {@link #orElse} there is no waiting, and an interrupt is left
     *     alone
     * @throws ChannelClosedException if all channels are closed and there is no {@link #onClosed}
     * @throws IllegalStateException if the select has no branches, another thread runs it, or
     *     another thread receives from one of its receivers
     */
    public R run() throws InterruptedException {
        return requireNonNull(choose(false, 0)).complete();
    }

    /**
     * Waits for a branch to become possible and does it, unless time is up before.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return what the branch's function returned
     * @throws InterruptedException if the calling thread is interrupted before or while it waits;
     *     no branch was done. With {@link #orElse} there is no waiting, and an interrupt is left
     *     alone
     * @throws TimeoutException if no branch was possible in all that time; none was done
     * @throws ChannelClosedException if all channels are closed and there is no {@link #onClosed}
     * @throws IllegalStateException if the select has no branches, another thread runs it, or
     *     another thread receives from one of its receivers
     */
    public R run(Duration timeout) throws InterruptedException, TimeoutException {
        Choice<R> choice = choose(true, Deadline.after(timeout));
        if (choice == null) {
            throw new TimeoutException("no branch of " + this + " was possible within " + timeout);
        }
        return choice.complete();
    }

    /**
     * Describes the select for a log or a dump.
     *
     * @return what it waits for
     */
    @Override
    public String toString() {
        return "Select" + branches;
    }

    private Select<R> add(SelectBranch<R> branch) {
        for (SelectBranch<R> other : branches) {
            if (branch.receivesLike(other)) {
                throw new IllegalArgumentException(
                        "the select has a branch for this receiver already: " + branch);
            }
        }
        branches.add(branch);
        return this;
    }

    /** What is to be done, once everything is deregistered. */
    private record Choice<R extends @Nullable Object>(SelectBranch<R> branch, Object taken) {
        static <R extends @Nullable Object> Choice<R> of(Supplier<? extends R> then) {
            return new Choice<>(
                    new SelectBranch.Always<>(requireNonNull(then, "then")), SelectBranch.DONE);
        }

        R complete() {
            return branch.complete(taken);
        }
    }

    /** Does the operation of one branch; null when time is up. */
    private @Nullable Choice<R> choose(boolean timed, long deadline) throws InterruptedException {
        if (!RUNNING.compareAndSet(this, false, true)) {
            throw new IllegalStateException(
                    this + " is being run by another thread: make a select for each thread");
        }
        try {
            if (orElse == null && Thread.interrupted()) {
                throw new InterruptedException();
            }
            begin();
            Choice<R> choice = tryAll();
            if (choice == null) {
                choice = orElse;
            }
            if (choice == null && !(timed && deadline - System.nanoTime() <= 0)) {
                choice = await(timed, deadline);
            }
            return choice;
        } finally {
            running = false;
        }
    }

    private void begin() {
        int n = branches.size();
        if (n == 0 && orElse == null) {
            throw new IllegalStateException(
                    "a select without branches would wait for ever; add one");
        }
        if (order.length != n) {
            order = new int[n];
            Arrays.setAll(order, i -> i);
        }
        sources = 0;
        for (SelectBranch<R> b : branches) {
            b.begin();
            if (b.isSource()) {
                sources++;
            }
        }
        open = sources;
    }

    /** Tries all branches that are open; null if none is possible. */
    private @Nullable Choice<R> tryAll() {
        RandomGenerator lots = random != null ? random : ThreadLocalRandom.current();
        int n = order.length;
        for (int i = 0; i < n; i++) {
            if (fair && i < n - 1) {
                int k = i + lots.nextInt(n - i);
                int drawn = order[k];
                order[k] = order[i];
                order[i] = drawn;
            }
            SelectBranch<R> b = branches.get(order[i]);
            if (b.isLeftOut()) {
                continue;
            }
            Object result = b.attempt();
            if (result == SelectBranch.CLOSED) {
                b.leaveOut();
                open--;
            } else if (result != null) {
                return new Choice<>(b, result);
            }
        }
        if (open > 0 || sources == 0) {
            return null;
        }
        if (onClosed == null) {
            throw new ChannelClosedException("all channels of " + this + " are closed");
        }
        return onClosed;
    }

    private @Nullable Choice<R> await(boolean timed, long deadline) throws InterruptedException {
        try {
            for (SelectBranch<R> b : branches) {
                b.join();
            }
            for (; ; ) {
                Choice<R> choice = tryAll();
                if (choice != null) {
                    return choice;
                }
                if (joinAgain()) {
                    continue;
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                if (!park(timed, deadline)) {
                    return null;
                }
            }
        } finally {
            for (SelectBranch<R> b : branches) {
                b.leave();
            }
        }
    }

    /** Registers anew what was told in vain; whether there was any. */
    private boolean joinAgain() {
        boolean again = false;
        for (SelectBranch<R> b : branches) {
            if (b.isTold()) {
                b.leave();
                b.join();
                again = true;
            }
        }
        return again;
    }

    /** Parks until something may be possible; false when time is up. */
    private boolean park(boolean timed, long deadline) {
        boolean limited = timed;
        long until = deadline;
        for (SelectBranch<R> b : branches) {
            if (b.isTimer() && (!limited || b.due() - until < 0)) {
                limited = true;
                until = b.due();
            }
        }
        if (!limited) {
            Parker.park(this);
            return true;
        }
        long left = until - System.nanoTime();
        if (left > 0) {
            Parker.parkNanos(this, left);
        }
        return !timed || deadline - System.nanoTime() > 0;
    }
}
