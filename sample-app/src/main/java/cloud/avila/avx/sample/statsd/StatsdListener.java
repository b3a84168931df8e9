package cloud.avila.avx.sample.statsd;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.EnterGuard;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.net.SocketClosedException;
import cloud.avila.avx.net.UdpOptions;
import cloud.avila.avx.net.UdpSocket;
import cloud.avila.avx.sample.ingest.Intake;
import cloud.avila.avx.sample.ingest.Protocol;
import cloud.avila.avx.sample.line.RejectReason;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Receives datagrams of one or more lines. */
public final class StatsdListener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StatsdListener.class);
    private static final int MAX_DATAGRAM = 64 * 1024;
    private static final int EXCERPT = 100;

    /** A flood is always ready: the worker's other fibers get their turn after so many. */
    private static final int DATAGRAMS_PER_TURN = 64;

    /** What is taken from the socket's buffer at the end, so that a flood cannot put it off. */
    private static final int LAST_DATAGRAMS = 20_000;

    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofMillis(100);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(3);

    private final AvxRuntime runtime;
    private final Intake intake;
    private final UdpSocket socket;
    private final CountDownLatch ended = new CountDownLatch(1);
    private @Nullable JoinHandle<Boolean> fiber;

    /**
     * Binds the socket; datagrams wait in its buffer until {@link #start}.
     *
     * @param runtime where it receives
     * @param local local address, port 0 for a free one
     * @param receiveBuffer size of the socket's buffer in bytes
     * @param intake takes the lines
     * @throws IOException if the port cannot be bound
     */
    public StatsdListener(
            AvxRuntime runtime, InetSocketAddress local, int receiveBuffer, Intake intake)
            throws IOException {
        this.runtime = runtime;
        this.intake = intake;
        try (EnterGuard _ = runtime.enter()) {
            socket =
                    UdpSocket.bind(
                            local, UdpOptions.defaults().withReceiveBufferSize(receiveBuffer));
        }
    }

    /** Starts a fiber that receives until {@link #close}. */
    public void start() {
        fiber = runtime.spawn("statsd-listener", this::receive);
    }

    /**
     * Where it listens.
     *
     * @return the local address
     */
    public InetSocketAddress address() {
        return socket.localAddress();
    }

    private boolean receive() throws InterruptedException {
        byte[] bytes = new byte[MAX_DATAGRAM];
        ByteBuffer datagram = ByteBuffer.wrap(bytes);
        try {
            for (int received = 1; ; received++) {
                if (received % DATAGRAMS_PER_TURN == 0) {
                    Thread.yield();
                }
                datagram.clear();
                try {
                    socket.recvFrom(datagram);
                    split(bytes, datagram.position());
                } catch (SocketClosedException e) {
                    return true;
                } catch (IOException e) {
                    LOG.warn("Could not receive a datagram", e);
                    Thread.sleep(PAUSE_AFTER_FAILURE);
                }
            }
        } catch (InterruptedException stop) {
            receiveRest(bytes, datagram);
            return true;
        } finally {
            ended.countDown();
        }
    }

    private void receiveRest(byte[] bytes, ByteBuffer datagram) throws InterruptedException {
        try {
            for (int i = 0; i < LAST_DATAGRAMS; i++) {
                socket.recvFrom(datagram.clear(), Duration.ZERO);
                split(bytes, datagram.position());
            }
        } catch (SocketTimeoutException e) {
            LOG.debug("The socket's buffer is empty");
        } catch (IOException e) {
            LOG.warn("Could not receive the last datagrams", e);
        }
    }

    private void split(byte[] bytes, int length) {
        int start = 0;
        for (int i = 0; i <= length; i++) {
            if (i == length || bytes[i] == '\n') {
                int end = i > start && bytes[i - 1] == '\r' ? i - 1 : i;
                line(bytes, start, end - start);
                start = i + 1;
            }
        }
    }

    private void line(byte[] bytes, int offset, int length) {
        if (length > Intake.MAX_LINE_LENGTH) {
            intake.reject(
                    Protocol.STATSD,
                    RejectReason.TOO_LONG,
                    length + " bytes, the limit is " + Intake.MAX_LINE_LENGTH,
                    new String(bytes, offset, EXCERPT, StandardCharsets.ISO_8859_1));
        } else {
            intake.offer(Protocol.STATSD, StatsdParser::parse, bytes, offset, length);
        }
    }

    /** Takes what the socket has received, then closes it. */
    @Override
    public void close() {
        JoinHandle<Boolean> running = fiber;
        fiber = null;
        try {
            if (running != null && running.cancel()) {
                if (!ended.await(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                    LOG.warn("The StatsD listener did not end within {}", STOP_TIMEOUT);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            socket.close();
        }
    }
}
