package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoSocket;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * What all sockets of the simulation have in common: who waits in them, options, closing.
 *
 * <p>All of it happens on the simulation's thread, and no fiber gives way in the middle of an
 * operation, so there is no concurrency here.
 */
abstract class HostSocket implements IoSocket {
    final Network network;
    final Host host;
    private final InetSocketAddress local;
    private final List<Thread> waiting = new ArrayList<>();
    private final Map<SocketOption<?>, Object> options = new HashMap<>();
    private boolean closed;
    private @Nullable Runnable whenReadable;
    private @Nullable Runnable whenWritable;

    HostSocket(Network network, Host host, InetSocketAddress local) {
        this.network = network;
        this.host = host;
        this.local = local;
        network.opened(this);
    }

    /** What follows from closing, once. */
    abstract void closing();

    // --- waiting ---

    /**
     * Waits until something is the case, looking again whenever it is woken.
     *
     * @return false if the time is over
     */
    final boolean await(BooleanSupplier ready, long timeoutNanos) throws InterruptedException {
        checkInside();
        if (timeoutNanos != 0 && Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (ready.getAsBoolean()) {
            return true;
        }
        if (timeoutNanos == 0) {
            return false;
        }
        if (!Thread.currentThread().isVirtual()) {
            throw new IllegalStateException("a job must not wait, here for " + this);
        }
        long begin = network.scheduler.nanoTime();
        waiting.add(Thread.currentThread());
        try {
            while (!ready.getAsBoolean()) {
                if (timeoutNanos < 0) {
                    Parker.park(this);
                } else {
                    long left = timeoutNanos - (network.scheduler.nanoTime() - begin);
                    if (left <= 0) {
                        return false;
                    }
                    Parker.parkNanos(this, left);
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
            return true;
        } finally {
            waiting.remove(Thread.currentThread());
        }
    }

    final void wake() {
        for (Thread thread : waiting) {
            network.scheduler.wake(thread);
        }
        Runnable action = whenReadable;
        if (action != null && (closed || isReadable())) {
            whenReadable = null;
            action.run();
        }
        action = whenWritable;
        if (action != null && (closed || isWritable())) {
            whenWritable = null;
            action.run();
        }
    }

    /** Whether receiving, or accepting, would not wait. */
    abstract boolean isReadable();

    /** Whether sending would not wait. */
    abstract boolean isWritable();

    @Override
    public final int whenReadable(@Nullable Runnable action) {
        whenReadable = null;
        int result = readiness(isReadable());
        if (result == IoDriver.TIMED_OUT) {
            whenReadable = action;
        }
        return result;
    }

    @Override
    public final int whenWritable(@Nullable Runnable action) {
        whenWritable = null;
        int result = readiness(isWritable());
        if (result == IoDriver.TIMED_OUT) {
            whenWritable = action;
        }
        return result;
    }

    private int readiness(boolean ready) {
        checkInside();
        if (closed) {
            return IoDriver.CLOSED;
        }
        return ready ? 0 : IoDriver.TIMED_OUT;
    }

    private void checkInside() {
        if (!network.scheduler.isInside()) {
            throw new IllegalStateException(
                    this + " was used by " + Thread.currentThread() + ", outside its simulation");
        }
    }

    // --- IoSocket ---

    @Override
    public final InetSocketAddress localAddress() {
        return local;
    }

    @Override
    public final <T> boolean setOption(SocketOption<T> option, T value) throws IOException {
        Objects.requireNonNull(check(option));
        if (!closed) {
            options.put(option, value);
        }
        return !closed;
    }

    @Override
    public final <T> T getOption(SocketOption<T> option) throws IOException {
        Object initial = check(option);
        if (closed) {
            throw new SocketException("reading " + option + " of " + this + ": it is closed");
        }
        return Objects.requireNonNull(option.type().cast(options.getOrDefault(option, initial)));
    }

    /** The value of an option that was not set. */
    abstract @Nullable Object initial(SocketOption<?> option);

    private Object check(SocketOption<?> option) {
        Object initial = initial(option);
        if (initial == null) {
            throw new UnsupportedOperationException(this + " has no option " + option.name());
        }
        return initial;
    }

    @Override
    public final boolean isOpen() {
        return !closed;
    }

    /** What closes a socket that was lost, from a thread outside, must not change the run. */
    final boolean mayClose() {
        return !closed && network.scheduler.mayWork();
    }

    @Override
    public final void close() {
        if (mayClose()) {
            shut();
        }
    }

    final void shut() {
        closed = true;
        network.closed(this);
        closing();
        wake();
    }

    static int closedOrTimedOut(boolean isOpen) {
        return isOpen ? IoDriver.TIMED_OUT : IoDriver.CLOSED;
    }
}
