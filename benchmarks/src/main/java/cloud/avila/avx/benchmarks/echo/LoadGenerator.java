package cloud.avila.avx.benchmarks.echo;

import cloud.avila.avx.benchmarks.workload.LatencyHistogram;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Locale;

/**
 * The load of the echo comparison, the same for every server: one thread keeps one message in
 * flight on each connection, checks each reply byte for byte against what was sent, and sends the
 * next. Plain NIO, so that it runs wherever the JDK does.
 */
public final class LoadGenerator implements AutoCloseable {
    private static final int READ_AT_ONCE = 256 << 10;
    private static final long REPLY_PATIENCE_MS = 20_000;
    private static final String BUSY = "busy";

    private final Selector selector;
    private final boolean busy;
    private final int size; // of a message, in bytes
    private final ByteBuffer reply;
    private final LatencyHistogram latencies = new LatencyHistogram();
    private final Connection[] connections;
    private long trips;
    private boolean recording;

    private LoadGenerator(String target, boolean busy, int count, int size) throws IOException {
        this.busy = busy;
        this.size = size;
        reply = ByteBuffer.allocateDirect(Math.min(size, READ_AT_ONCE));
        selector = Selector.open();
        connections = new Connection[count];
        for (int i = 0; i < count; i++) {
            connections[i] = new Connection(i, target);
        }
    }

    /**
     * Runs one phase after the other and prints a line of key=value pairs for each.
     *
     * @param args target (tcp:port, udp:port or unix:path), process id of the server, optionally
     *     "busy" to ask for replies again and again instead of sleeping, then any number of phases
     *     connections:messageBytes:warmUpMs:measureMs
     * @throws IOException if a connection fails or a reply is wrong
     */
    public static void main(String[] args) throws IOException {
        if (args.length < 3) {
            throw new IllegalArgumentException(
                    "expected TARGET SERVER_PID [busy] CONNECTIONS:MESSAGE_BYTES:WARM_UP_MS:MEASURE_MS...");
        }
        long server = Long.parseLong(args[1]);
        boolean busy = args[2].equals(BUSY);
        for (String phase : Arrays.copyOfRange(args, busy ? 3 : 2, args.length)) {
            long[] p = Arrays.stream(phase.split(":", 4)).mapToLong(Long::parseLong).toArray();
            try (var load = new LoadGenerator(args[0], busy, (int) p[0], (int) p[1])) {
                System.out.println(load.run(server, p[2] * 1_000_000, p[3] * 1_000_000));
            }
        }
    }

    private String run(long server, long warmUp, long measure) throws IOException {
        for (Connection c : connections) {
            c.send(System.nanoTime());
        }
        pump(warmUp);
        trips = 0;
        recording = true;
        ProcessCpu serverBefore = ProcessCpu.of(server);
        ProcessCpu ownBefore = ProcessCpu.of(ProcessHandle.current().pid());
        long begin = System.nanoTime();
        pump(measure);
        long elapsed = System.nanoTime() - begin;
        ProcessCpu serverAfter = ProcessCpu.of(server);
        ProcessCpu ownAfter = ProcessCpu.of(ProcessHandle.current().pid());
        if (trips == 0) {
            throw new IOException("no reply on " + connections.length + " connections");
        }
        double n = trips;
        return String.format(
                Locale.ROOT,
                "connections=%d size=%d trips=%d rate=%.0f p50=%.1f p99=%.1f p999=%.1f cpu=%.3f user=%.3f"
                        + " system=%.3f switches=%.4f clientCpu=%.3f",
                connections.length,
                size,
                trips,
                n * 1e9 / elapsed,
                latencies.micros(0.5),
                latencies.micros(0.99),
                latencies.micros(0.999),
                (serverAfter.totalMicros() - serverBefore.totalMicros()) / n,
                (serverAfter.userMicros() - serverBefore.userMicros()) / n,
                (serverAfter.systemMicros() - serverBefore.systemMicros()) / n,
                (serverAfter.switches() - serverBefore.switches()) / n,
                (ownAfter.totalMicros() - ownBefore.totalMicros()) / n);
    }

    private void pump(long duration) throws IOException {
        long begin = System.nanoTime();
        long lastReply = begin;
        long now;
        do {
            int replies =
                    busy
                            ? selector.selectNow(this::exchange)
                            : selector.select(this::exchange, REPLY_PATIENCE_MS);
            now = System.nanoTime();
            if (replies > 0) {
                lastReply = now;
            } else if (now - lastReply >= REPLY_PATIENCE_MS * 1_000_000) {
                throw new IOException(
                        "no reply for "
                                + REPLY_PATIENCE_MS
                                + " ms on "
                                + connections.length
                                + " connections");
            }
        } while (now - begin < duration);
    }

    private void exchange(SelectionKey key) {
        var connection = (Connection) key.attachment();
        try {
            if (key.isWritable()) {
                connection.sendRest();
            }
            if (key.isReadable()) {
                connection.receive();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Resets the connections.
     *
     * @throws IOException if one cannot be closed
     */
    @Override
    public void close() throws IOException {
        for (Connection c : connections) {
            c.channel.close();
        }
        selector.close();
    }

    /** A connection with its message in flight. */
    private final class Connection {
        private final ByteChannel channel;
        private final SelectionKey key;
        private final ByteBuffer message = ByteBuffer.allocateDirect(size);
        private final ByteBuffer expected = message.duplicate();
        private long sequence;
        private long sentAt;
        private int received;

        Connection(int number, String target) throws IOException {
            SelectableChannel opened = connect(target);
            channel = (ByteChannel) opened;
            opened.configureBlocking(false);
            key = opened.register(selector, SelectionKey.OP_READ, this);
            for (int i = 0; i < size; i += Integer.BYTES) {
                message.putInt(i, number);
            }
        }

        private static SelectableChannel connect(String target) throws IOException {
            int colon = target.indexOf(':');
            String rest = target.substring(colon + 1);
            return switch (target.substring(0, colon)) {
                case "unix" -> SocketChannel.open(UnixDomainSocketAddress.of(rest));
                case "udp" ->
                        DatagramChannel.open(StandardProtocolFamily.INET).connect(loopback(rest));
                default -> {
                    var tcp = SocketChannel.open(loopback(rest));
                    tcp.setOption(StandardSocketOptions.TCP_NODELAY, true);
                    // reset at the end: ten thousand connections must not linger in TIME_WAIT
                    tcp.setOption(StandardSocketOptions.SO_LINGER, 0);
                    yield tcp;
                }
            };
        }

        private static InetSocketAddress loopback(String port) {
            return new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port));
        }

        void send(long now) throws IOException {
            sentAt = now;
            message.putLong(0, ++sequence).rewind();
            channel.write(message);
            if (message.hasRemaining()) {
                key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
            }
        }

        void sendRest() throws IOException {
            channel.write(message);
            if (!message.hasRemaining()) {
                key.interestOps(SelectionKey.OP_READ);
            }
        }

        void receive() throws IOException {
            reply.clear().limit(Math.min(reply.capacity(), size - received));
            int n = channel.read(reply);
            if (n < 0) {
                throw new IOException("the server closed connection after message " + sequence);
            }
            if (n == 0) {
                return;
            }
            reply.flip();
            expected.clear().position(received).limit(received + n);
            if (!reply.equals(expected)) {
                throw new IOException("reply " + sequence + " differs from what was sent");
            }
            received += n;
            if (received == size) {
                received = 0;
                trips++;
                long now = System.nanoTime();
                if (recording) {
                    latencies.record(now - sentAt);
                }
                send(now);
            }
        }
    }
}
