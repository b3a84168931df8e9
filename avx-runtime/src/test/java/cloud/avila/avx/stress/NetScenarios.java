package cloud.avila.avx.stress;

import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.net.ReceivedDatagram;
import cloud.avila.avx.net.SocketStream;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;
import cloud.avila.avx.net.UdpSocket;
import cloud.avila.avx.net.UnixAddress;
import cloud.avila.avx.net.UnixListener;
import cloud.avila.avx.net.UnixStream;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Scenarios of sockets on the loopback interface. */
final class NetScenarios {
    private static final InetSocketAddress ANY_PORT =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private NetScenarios() {}

    /** A listener and how to reach it. */
    private interface Gate extends AutoCloseable {
        SocketStream accept(Duration timeout) throws IOException, InterruptedException;

        SocketStream connect() throws IOException, InterruptedException;

        @Override
        void close() throws IOException;
    }

    private static Gate open(Scenario.Context cx) throws IOException {
        return cx.chance(25) ? new UnixGate() : new TcpGate(cx.split());
    }

    private static final class TcpGate implements Gate {
        private final TcpListener listener = TcpListener.bind(ANY_PORT);
        private final boolean noDelay;

        TcpGate(Scenario.Context cx) throws IOException {
            noDelay = cx.chance(50);
        }

        @Override
        public SocketStream accept(Duration timeout) throws IOException, InterruptedException {
            return listener.accept(timeout);
        }

        @Override
        public SocketStream connect() throws IOException, InterruptedException {
            return TcpStream.connect(listener.localAddress(), PATIENCE).tcpNoDelay(noDelay);
        }

        @Override
        public void close() throws IOException {
            listener.close();
        }
    }

    private static final class UnixGate implements Gate {
        private final Path folder = Files.createTempDirectory("avx-stress");
        private final Path path = folder.resolve("socket");
        private final UnixListener listener = UnixListener.bind(path);

        UnixGate() throws IOException {}

        @Override
        public SocketStream accept(Duration timeout) throws IOException, InterruptedException {
            return listener.accept(timeout);
        }

        @Override
        public SocketStream connect() throws IOException, InterruptedException {
            return UnixStream.connect(UnixAddress.of(path), PATIENCE);
        }

        @Override
        public void close() throws IOException {
            listener.close();
            Files.deleteIfExists(path);
            Files.deleteIfExists(folder);
        }
    }

    /** What clients send comes back unchanged, whoever closes, resets, times out, is cancelled. */
    static final class Echo extends Scenario {
        private final AtomicLong echoed = new AtomicLong();

        @Override
        void run(Context cx) throws Exception {
            var stop = new AtomicBoolean();
            try (Gate listener = open(cx)) {
                Context own = cx.split();
                JoinHandle<Integer> server = cx.spawn(() -> serve(own, listener, stop));
                List<JoinHandle<Integer>> clients = new ArrayList<>();
                for (int i = cx.between(1, 16); i > 0; i--) {
                    Context c = cx.split();
                    clients.add(cx.spawn(() -> connect(c, listener)));
                }
                cancelSome(cx, clients);
                joinAll(clients);
                stop.set(true);
                if (cx.chance(50)) {
                    listener.close();
                }
                server.join();
            }
        }

        private static int serve(Context cx, Gate listener, AtomicBoolean stop)
                throws InterruptedException, IOException {
            while (!stop.get()) {
                SocketStream stream;
                try {
                    stream = listener.accept(Duration.ofMillis(20));
                } catch (SocketTimeoutException e) {
                    continue;
                } catch (IOException e) {
                    if (stop.get()) {
                        return 0;
                    }
                    throw e;
                }
                Context own = cx.split();
                cx.spawn(() -> echo(own, stream));
            }
            return 0;
        }

        private static int echo(Context cx, SocketStream stream) throws InterruptedException {
            try (stream) {
                if (cx.chance(50)) {
                    stream.copyTo(stream);
                } else {
                    byte[] buffer = new byte[cx.between(1, 4096)];
                    for (int n; (n = stream.read(buffer)) > 0; ) {
                        stream.writeAll(buffer, 0, n);
                    }
                }
                return 0;
            } catch (IOException e) {
                // the client was cancelled or has reset the connection
                return 1;
            }
        }

        private int connect(Context cx, Gate gate) throws Exception {
            while (cx.more()) {
                try (SocketStream stream = gate.connect()) {
                    for (int i = cx.between(1, 50); i > 0 && cx.more(); i--) {
                        exchange(cx, stream);
                    }
                    switch (cx.between(0, 3)) {
                        case 0 -> stream.closeAbortively();
                        case 1 -> {
                            stream.shutdownOutput();
                            require(stream.read(new byte[1]) == -1, "bytes nobody sent");
                        }
                        default -> {}
                    }
                }
            }
            return 0;
        }

        private void exchange(Context cx, SocketStream stream)
                throws IOException, InterruptedException {
            byte[] out = new byte[cx.between(1, cx.chance(5) ? 20_000 : 200)];
            cx.random().nextBytes(out);
            stream.writeAll(out);
            var in = ByteBuffer.allocate(out.length);
            if (cx.chance(20)) {
                stream.readTimeout(Duration.ofNanos(cx.between(1, 200_000)));
                while (in.hasRemaining()) {
                    try {
                        require(stream.read(in) > 0, "the echo ended early");
                    } catch (SocketTimeoutException e) {
                        cx.progress().step();
                    }
                }
                stream.readTimeout(Duration.ZERO);
            } else {
                stream.readFully(in);
            }
            require(Arrays.equals(out, in.array()), "the echo differs");
            echoed.getAndAdd(out.length);
        }

        @Override
        void verify() {}
    }

    /** What arrives is what was sent, and no more of it. */
    static final class Datagrams extends Scenario {
        private final AtomicLong sent = new AtomicLong();
        private final AtomicLong received = new AtomicLong();

        @Override
        void run(Context cx) throws Exception {
            var stop = new AtomicBoolean();
            try (var socket = UdpSocket.bind(ANY_PORT)) {
                JoinHandle<Integer> receiver = cx.spawn(() -> receive(socket, stop));
                List<JoinHandle<Integer>> senders = new ArrayList<>();
                for (int i = cx.between(1, 4); i > 0; i--) {
                    Context own = cx.split();
                    senders.add(cx.spawn(() -> send(own, socket.localAddress())));
                }
                joinAll(senders);
                stop.set(true);
                receiver.join();
            }
        }

        private int send(Context cx, InetSocketAddress to)
                throws IOException, InterruptedException {
            try (var socket = UdpSocket.bind(ANY_PORT)) {
                byte[] datagram = new byte[512];
                while (cx.more()) {
                    Arrays.fill(datagram, (byte) cx.between(0, 255));
                    sent.getAndIncrement();
                    socket.sendTo(datagram, to);
                    if (cx.chance(10)) {
                        Thread.sleep(0, cx.between(0, 500_000));
                    }
                }
            }
            return 0;
        }

        private int receive(UdpSocket socket, AtomicBoolean stop)
                throws IOException, InterruptedException {
            byte[] buffer = new byte[1024];
            for (; ; ) {
                boolean last = stop.get();
                try {
                    ReceivedDatagram d = socket.recvFrom(buffer, Duration.ofMillis(5));
                    requireEqual(512, d.length(), "length of a datagram");
                    for (int i = 1; i < 512; i++) {
                        require(buffer[i] == buffer[0], "two datagrams mixed");
                    }
                    received.getAndIncrement();
                } catch (SocketTimeoutException e) {
                    if (last) {
                        return 0;
                    }
                }
            }
        }

        @Override
        void verify() {
            require(
                    received.get() <= sent.get(),
                    "%d datagrams sent, %d received",
                    sent.get(),
                    received.get());
        }
    }
}
