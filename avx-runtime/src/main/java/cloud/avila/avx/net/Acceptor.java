package cloud.avila.avx.net;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.reactor.IoListener;
import cloud.avila.avx.internal.reactor.IoStream;
import cloud.avila.avx.internal.reactor.LeakDetector;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Accepts, pauses and resumes.
 *
 * <p>A thread that waits in the driver when the listener is paused may still be given one
 * connection. It does not hand it out but puts it into {@code early}, from where it is taken first
 * after resuming: as many as there were threads waiting, and none is lost.
 *
 * <p>Memory order: {@code paused} and the queue of waiting threads are read and written as the two
 * sides of Dekker's algorithm, both sequentially consistent. A waiter enters the queue, then reads
 * {@code paused}; {@link #resume} writes {@code paused}, then wakes who is in the queue: one of the
 * two sees the other. The same holds for closing.
 *
 * @param <S> the driver's kind of connection
 */
final class Acceptor<S extends IoStream> {
    /** How soon a thread that waits for resuming notices that the whole runtime was closed. */
    private static final long CLOSED_CHECK_NANOS = 1_000_000_000;

    /** Takes a connection from the driver; null if the time was over or it is closed. */
    interface Source<S> {
        @Nullable S accept(long timeoutNanos) throws IOException, InterruptedException;
    }

    private final IoListener socket;
    private final Source<S> source;
    private final Object address;
    private final Cleaner.Cleanable tracked;
    private final ConcurrentLinkedQueue<Thread> waiting = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<S> early = new ConcurrentLinkedQueue<>();
    private volatile boolean paused;

    Acceptor(Object owner, IoListener socket, Source<S> source, Object address) {
        this.socket = socket;
        this.source = source;
        this.address = address;
        this.tracked = LeakDetector.track(owner, socket);
    }

    S accept(long timeoutNanos) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        for (; ; ) {
            long left =
                    timeoutNanos <= 0
                            ? timeoutNanos
                            : Math.max(timeoutNanos - (System.nanoTime() - begin), 0);
            S accepted = paused ? null : early.poll();
            if (accepted == null) {
                if (paused && socket.isOpen()) {
                    awaitResume(left);
                } else {
                    accepted = source.accept(left);
                }
            }
            if (accepted != null) {
                if (!paused) {
                    return accepted;
                }
                early.add(accepted);
                if (!socket.isOpen()) {
                    refuseEarly();
                }
            } else if (!socket.isOpen()) {
                throw Checks.closed("accept on", address);
            } else if (timeoutNanos >= 0 && System.nanoTime() - begin >= timeoutNanos) {
                throw Checks.timedOut("accept on", address, timeoutNanos);
            }
        }
    }

    /** Returns when resumed, closed or the time is over, or without cause. */
    private void awaitResume(long timeoutNanos) throws InterruptedException {
        if (timeoutNanos == 0) {
            return;
        }
        Thread thread = Thread.currentThread();
        waiting.add(thread);
        try {
            if (paused && socket.isOpen()) {
                Parker.parkNanos(
                        this,
                        timeoutNanos < 0
                                ? CLOSED_CHECK_NANOS
                                : Math.min(timeoutNanos, CLOSED_CHECK_NANOS));
            }
        } finally {
            waiting.remove(thread);
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    void pause() {
        paused = true;
    }

    void resume() {
        paused = false;
        wake();
    }

    boolean isPaused() {
        return paused;
    }

    private void wake() {
        for (Thread thread : waiting) {
            Parker.unpark(thread);
        }
    }

    boolean whenAcceptable(Runnable action) throws IOException {
        return Checks.ready(socket.whenReadable(Checks.guarded(action)), "accept on", address);
    }

    void close() {
        socket.close();
        tracked.clean();
        wake();
        refuseEarly();
    }

    /** As the system refuses what nobody has accepted. */
    private void refuseEarly() {
        for (S stream = early.poll(); stream != null; stream = early.poll()) {
            stream.closeAbortively();
        }
    }
}
