package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.LinuxUring;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The driver on Linux io_uring(7): one ring, entered by whichever thread polls, and beneath it the
 * epoll instance of {@link EpollDriver}.
 *
 * <p>A stream that waits for data submits a receive, and its completion brings the data along: see
 * {@link UringStream}. What does not wait is a plain system call. What waits for readiness only
 * (accepting, room to send, datagrams, foreign descriptors) waits in the epoll instance, which the
 * ring watches: an operation that is under way in a ring keeps the file open, so a listener polled
 * by the ring would keep its port after closing, and epoll does not.
 *
 * <h2>Threads</h2>
 *
 * <p>The kernel completes an operation on the thread that submitted it, when that thread passes
 * through the kernel: at the next timer tick, if it only computes. Any thread may submit and any
 * thread may poll, so the ring is not made for a single issuer. Submissions are left in the queue
 * for the poller's next entry to the kernel, unless the poller waits: then who adds one submits it
 * himself.
 *
 * <p>What a completion says is taken out of the queue by the thread that holds {@code taking}: the
 * poller, or a thread that cannot wait for it (it closes a socket, or tries to receive what a
 * receive under way may have taken already). Completions meant for the poller, which end its wait,
 * such a thread leaves alone while somebody polls.
 *
 * <h2>Fields and memory orders</h2>
 *
 * <ul>
 *   <li>{@code taking}: set by compare-and-set, cleared with release: what one taker leaves in
 *       {@link UringQueues} the next one sees.
 *   <li>{@code watching}: which threads have a watch of the epoll instance under way, each in a
 *       slot; set by the poller before it submits, cleared by who takes the completion. A poller
 *       without a slot submits a watch, since that of another thread may complete late: when that
 *       thread runs on. Beyond the slots it relies on the others.
 *   <li>{@code epollReady}, {@code epollError}: the poller's, passed on with the right to poll.
 * </ul>
 */
final class UringDriver extends EpollDriver {
    /** What a kernel need not know. */
    static final int OPTIONAL_FLAGS =
            LinuxUring.SETUP_SUBMIT_ALL
                    | LinuxUring.SETUP_COOP_TASKRUN
                    | LinuxUring.SETUP_TASKRUN_FLAG
                    | LinuxUring.SETUP_NO_SQARRAY;

    /** What can be chosen; tests do. */
    record Settings(UringQueues.Sizes queues, UringBuffers.Sizes buffers) {
        static final Settings DEFAULTS =
                new Settings(
                        new UringQueues.Sizes(256, 4096, OPTIONAL_FLAGS),
                        new UringBuffers.Sizes(512, 4096, false));
    }

    private static final Logger LOG = System.getLogger(UringDriver.class.getName());

    private static final long WAKE_TAG = -1;
    private static final long CANCEL_TAG = -2;

    /** Tags of watches of the epoll instance: this one for the first slot, then downwards. */
    private static final long FIRST_WATCH_TAG = -3;

    private static final int WATCHES = 8;
    private static final int SETTLING_TRIES = 20;
    private static final long SETTLING_PAUSE_NANOS = 200_000;
    private static final long LONGEST_SETTLING_NANOS = 2_000_000_000L;
    private static final long RETRY_PAUSE_NANOS = 1_000_000;

    private static final VarHandle TAKING;

    static {
        try {
            TAKING =
                    MethodHandles.lookup()
                            .findVarHandle(UringDriver.class, "taking", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final UringBuffers buffers;
    private final UringQueues queues;
    private final AtomicReferenceArray<Thread> watching = new AtomicReferenceArray<>(WATCHES);

    @SuppressWarnings("UnusedVariable") // through TAKING
    private volatile boolean taking;

    private volatile boolean abandoned;

    private int most;
    private boolean epollReady;
    private int epollError;

    private UringDriver(
            LinuxLibc libc, int epoll, int eventfd, UringQueues queues, UringBuffers buffers) {
        super(libc, epoll, eventfd);
        this.queues = queues;
        this.buffers = buffers;
    }

    /** Opens a driver on bindings, which a test may have furnished with faults. */
    static UringDriver open(LinuxLibc libc, LinuxUring uring, Settings settings)
            throws IOException {
        UringQueues queues = UringQueues.open(uring, settings.queues);
        UringBuffers buffers;
        try {
            buffers = UringBuffers.open(uring, queues.descriptor(), settings.buffers);
        } catch (Throwable e) {
            queues.close();
            throw e;
        }
        boolean[] owned = {false};
        try {
            return EpollDriver.open(
                    libc,
                    (same, epoll, eventfd) -> {
                        owned[0] = true;
                        return new UringDriver(same, epoll, eventfd, queues, buffers);
                    });
        } catch (Throwable e) {
            if (!owned[0]) {
                queues.close();
                buffers.close();
            }
            throw e;
        }
    }

    @Override
    public String name() {
        return "io_uring";
    }

    @Override
    ReadinessStream stream(int fd, int family, InetSocketAddress remote) {
        return new UringStream(this, fd, family, remote);
    }

    // ---- polling ----

    @Override
    int collect(int most, long timeoutNanos) {
        this.most = most;
        if (epollError != 0) {
            int error = epollError;
            epollError = 0;
            return error;
        }
        watchEpoll();
        buffers.handOver();
        int result = 0;
        if (timeoutNanos != 0 && queues.ready() == 0) {
            result = queues.await(timeoutNanos);
        } else if (queues.isEnteringDue()) {
            result = queues.submit(false);
        }
        if (result >= 0 || queues.ready() != 0) {
            return most;
        }
        return switch (-result) {
            case LinuxErrno.ETIME, LinuxErrno.EINTR -> most;
            case LinuxErrno.EAGAIN, LinuxErrno.EBUSY, LinuxErrno.ENOMEM -> {
                // want of memory; what was not submitted is still in the queue
                if (timeoutNanos != 0) {
                    Parker.parkNanos(this, RETRY_PAUSE_NANOS);
                }
                yield most;
            }
            default -> result;
        };
    }

    /** The watch reports also what the epoll instance holds already. */
    private void watchEpoll() {
        Thread poller = Thread.currentThread();
        int free = -1;
        for (int i = 0; i < WATCHES; i++) {
            Thread thread = watching.get(i);
            if (thread == poller) {
                return;
            }
            if (thread == null) {
                free = i;
            }
        }
        if (free >= 0) {
            watching.set(free, poller);
            queues.add(
                    UringQueues.Submission.poll(epoll, LinuxLibc.POLLIN, FIRST_WATCH_TAG - free));
        }
    }

    @Override
    int dispatch(int count) {
        int events = take(most, true);
        if (epollReady) {
            epollReady = false;
            int ready = super.collect(Math.max(1, most - events), 0);
            if (ready > 0) {
                events += super.dispatch(ready);
            } else if (ready < 0 && ready != -LinuxErrno.EINTR) {
                epollError = ready;
            }
        }
        return events;
    }

    /** Takes completions out of the queue and hands them on; says how many were of sockets. */
    private int take(int most, boolean isPoller) {
        if (!TAKING.compareAndSet(this, false, true)) {
            return 0;
        }
        int events = 0;
        try {
            while (events < most && queues.hasNext()) {
                long tag = queues.nextTag();
                if ((int) tag >= 0) {
                    int result = queues.nextResult();
                    int flags = queues.nextFlags();
                    queues.advance();
                    events++;
                    complete(tag, result, flags);
                } else if (isPoller || tag == CANCEL_TAG || !isPolled()) {
                    queues.advance();
                    if (tag <= FIRST_WATCH_TAG) {
                        watching.set((int) (FIRST_WATCH_TAG - tag), null);
                        epollReady |= isPoller;
                    }
                } else {
                    break;
                }
            }
        } finally {
            TAKING.setRelease(this, false);
        }
        return events;
    }

    private void complete(long tag, int result, int flags) {
        if (socket(tag) instanceof UringStream stream) {
            stream.received(result, flags);
        } else if (!abandoned) {
            // an operation keeps its socket in the table until it has completed
            throw new IllegalStateException(
                    "a completion of nobody: tag 0x" + Long.toHexString(tag) + ", " + result);
        }
    }

    @Override
    void interruptPoll() {
        queues.add(UringQueues.Submission.nothing(WAKE_TAG));
        if (queues.submit(false) < 0) {
            super.interruptPoll();
        }
    }

    // ---- for streams ----

    /** Begins to receive. */
    void receive(UringQueues.Submission submission) {
        queues.add(submission);
        if (isWaiting() && queues.submit(false) < 0) {
            super.interruptPoll(); // the poller will submit
        }
    }

    /** Completes what is due to the calling thread and hands on what has been completed. */
    void help() {
        buffers.handOver();
        if (queues.submit(true) < 0 && isWaiting()) {
            super.interruptPoll(); // the poller will submit what others have left to us
        }
        int events = take(MOST_EVENTS, false);
    }

    /** Cancels the receive of a stream that is being closed, and waits a little for its end. */
    void settle(UringStream stream) {
        for (int i = 0; i < SETTLING_TRIES && stream.isReceiving(); i++) {
            if (i == 1) {
                queues.add(UringQueues.Submission.cancel(stream.tag(), CANCEL_TAG));
            }
            if (i > 1) {
                Parker.parkNanos(this, SETTLING_PAUSE_NANOS);
            }
            help();
        }
    }

    @Override
    void awaitSockets(List<ReadinessSocket> closed) {
        long start = System.nanoTime();
        for (ReadinessSocket socket : closed) {
            if (socket instanceof UringStream stream) {
                while (stream.isReceiving() && System.nanoTime() - start < LONGEST_SETTLING_NANOS) {
                    settle(stream);
                }
                if (stream.isReceiving()) {
                    abandon(stream);
                }
            }
        }
    }

    /** Gives up waiting: the kernel may yet write into a buffer, so they stay mapped. */
    private void abandon(UringStream stream) {
        if (!abandoned) {
            abandoned = true;
            LOG.log(
                    Level.WARNING,
                    "the kernel did not end a receive on "
                            + stream
                            + " within "
                            + LONGEST_SETTLING_NANOS / 1_000_000_000
                            + " s; the memory of its buffers is not given back");
        }
        while (!TAKING.compareAndSet(this, false, true)) {
            Thread.onSpinWait();
        }
        try {
            if (stream.isReceiving()) {
                stream.abandon();
            }
        } finally {
            TAKING.setRelease(this, false);
        }
    }

    @Override
    void destroy() {
        queues.close();
        if (!abandoned) {
            buffers.close();
        }
        super.destroy();
    }
}
