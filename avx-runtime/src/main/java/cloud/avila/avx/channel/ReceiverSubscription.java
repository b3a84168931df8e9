package cloud.avila.avx.channel;

import cloud.avila.avx.internal.log.BoundedLog;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;

/**
 * Passes the messages of a receiver on to a subscriber, as many as it has asked for. No thread
 * waits for it: it is run by the executor when there is something to do.
 */
final class ReceiverSubscription<T> implements Flow.Subscription, Runnable {
    /*
     * Overview
     *
     * Whoever has news (a request, a cancellation, the channel through `waiter`) makes it visible
     * and then adds one to `signals`. Who finds zero hands this to the executor, which runs it; the
     * run cannot end without noticing that `signals` has grown. So runs follow each other, on changing
     * threads, each seeing what the ones before have written.
     *
     *   field       written by                   mode
     *   signals     everybody                    getAndAdd
     *   demand      request, the run             compare-and-set, getAndAdd
     *   misuse      request, once                volatile
     *   over        cancel, the run              volatile
     *   subscriber, waiter   the run             plain: `signals` orders the runs
     *
     * A run passes on what is there and asked for, and leaves a waiter with the channel when there is
     * nothing. The end is due without being asked for; so where nobody else receives, it leaves the
     * waiter even if nothing is asked for. When something is there and nothing is asked for, it leaves
     * none: the next request will look.
     */

    private static final BoundedLog LOG = new BoundedLog(ReceiverSubscription.class);
    private static final VarHandle SIGNALS;
    private static final VarHandle DEMAND;

    static {
        try {
            var lookup = MethodHandles.lookup();
            SIGNALS = lookup.findVarHandle(ReceiverSubscription.class, "signals", int.class);
            DEMAND = lookup.findVarHandle(ReceiverSubscription.class, "demand", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Receiver<T> receiver;
    private final Selectable side;
    private final @Nullable ReceiveSide sole; // where nobody else receives
    private final Executor executor;
    private Flow.@Nullable Subscriber<? super T> subscriber;
    private @Nullable SelectWaiter waiter;
    private volatile @Nullable IllegalArgumentException misuse;
    private volatile boolean over;
    private volatile long demand;
    private volatile int signals = 1; // until the subscriber has been told of its subscription

    ReceiverSubscription(
            Receiver<T> receiver, Flow.Subscriber<? super T> subscriber, Executor executor) {
        if (!(receiver instanceof Selectable selectable)) {
            throw new IllegalArgumentException(
                    "only what a channel of this package has made can be published, not a "
                            + receiver.getClass().getName());
        }
        this.receiver = receiver;
        this.side = selectable;
        this.sole = receiver instanceof ReceiveSide receiveSide ? receiveSide : null;
        this.subscriber = subscriber;
        this.executor = executor;
    }

    void begin() {
        Flow.Subscriber<? super T> s = subscriber;
        if (s != null) {
            try {
                s.onSubscribe(this);
            } catch (RuntimeException | Error e) {
                over = true;
                dispatch();
                throw e;
            }
        }
        dispatch();
    }

    @Override
    public void request(long n) {
        if (over) {
            return;
        }
        if (n <= 0) {
            misuse =
                    new IllegalArgumentException(
                            "request(" + n + "): a subscriber must ask for 1 or more (rule 3.9)");
        } else {
            for (long d = demand; ; d = demand) {
                long sum = d + n < 0 ? Long.MAX_VALUE : d + n;
                if (DEMAND.compareAndSet(this, d, sum)) {
                    break;
                }
            }
        }
        signal();
    }

    @Override
    public void cancel() {
        if (!over) {
            over = true;
            signal();
        }
    }

    private void signal() {
        if ((int) SIGNALS.getAndAdd(this, 1) == 0) {
            dispatch();
        }
    }

    /** Has a run begin; the caller has found that there is none. */
    private void dispatch() {
        try {
            executor.execute(this);
        } catch (RuntimeException e) {
            Flow.Subscriber<? super T> s = subscriber;
            boolean wanted = !over;
            end();
            if (s != null && wanted) {
                s.onError(e);
            }
        }
    }

    @Override
    public void run() {
        int seen;
        do {
            seen = signals;
            Flow.Subscriber<? super T> s = subscriber;
            if (s != null) {
                passOn(s);
            }
        } while ((int) SIGNALS.getAndAdd(this, -seen) != seen);
    }

    private void passOn(Flow.Subscriber<? super T> s) {
        try {
            while (!over) {
                if (misuse != null) {
                    Throwable e = misuse;
                    end();
                    s.onError(e);
                } else if (demand == 0 ? !endUnasked(s) : !passOne(s)) {
                    return;
                }
            }
            end();
        } catch (Throwable e) { // by rule 2.13 it has cancelled with that
            end();
            LOG.log(
                    Level.ERROR,
                    "the subscriber threw, which ends its subscription: " + s.getClass().getName(),
                    e);
        }
    }

    /** Passes a message or the end on; false if there is nothing and the channel will tell. */
    private boolean passOne(Flow.Subscriber<? super T> s) {
        RecvResult<T> result;
        try {
            result = receiver.tryRecv();
        } catch (LaggedException | IllegalStateException e) {
            end();
            s.onError(e);
            return true;
        }
        switch (result) {
            case RecvResult.Received<T>(T message) -> {
                if (demand != Long.MAX_VALUE) {
                    DEMAND.getAndAdd(this, -1L);
                }
                s.onNext(message);
            }
            case RecvResult.Closed<T> closed -> {
                end();
                s.onComplete();
            }
            case RecvResult.Empty<T> empty -> {
                return join();
            }
        }
        return true;
    }

    /** Tells of the end if it has come; false if not, and when it comes the channel will tell. */
    private boolean endUnasked(Flow.Subscriber<? super T> s) {
        if (sole == null || sole.isReady() && !sole.isDrained()) {
            forget();
            return false;
        }
        if (sole.isDrained()) {
            end();
            s.onComplete();
            return true;
        }
        return join();
    }

    /** Leaves a waiter with the channel; false if there is one, so that there is nothing to do. */
    private boolean join() {
        if (waiter != null && !waiter.isTold()) {
            return false;
        }
        forget();
        var w = new SelectWaiter(this::signal);
        side.register(w);
        waiter = w;
        return true;
    }

    private void forget() {
        SelectWaiter w = waiter;
        if (w != null) {
            waiter = null;
            side.deregister(w);
        }
    }

    private void end() {
        over = true;
        if (subscriber != null) {
            subscriber = null;
            forget();
            receiver.close();
        }
    }
}
