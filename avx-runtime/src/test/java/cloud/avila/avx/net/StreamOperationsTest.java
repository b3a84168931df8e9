package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ScatteringByteChannel;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;

/** Peeking, waiting without a buffer, several buffers at once, halves, views and proxies. */
@Timeout(300)
class StreamOperationsTest extends RuntimeSockets {
    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(US_ASCII));
    }

    private static String text(ByteBuffer filled) {
        return US_ASCII.decode(filled.flip()).toString();
    }

    /** What holds on the real network and on the simulated one. */
    static void basics(Pair pair) throws Exception {
        TcpStream a = pair.client();
        TcpStream b = pair.server();

        a.writeAll(bytes("abcdef"));
        while (b.available() < 6) {
            Thread.sleep(1);
        }
        var small = ByteBuffer.allocate(2);
        assertEquals(2, b.peek(small));
        assertEquals("ab", text(small));
        var direct = ByteBuffer.allocateDirect(3);
        b.awaitReadable();
        assertEquals(3, b.peek(direct));
        assertEquals("abc", text(direct));

        ByteBuffer[] into = {
            ByteBuffer.allocate(1), ByteBuffer.allocate(0), ByteBuffer.allocateDirect(9)
        };
        assertEquals(6, b.read(into));
        assertEquals("a", text(into[0]));
        assertEquals("bcdef", text(into[2]));
        assertEquals(0, b.read(into[1], ByteBuffer.allocate(0)));

        a.awaitWritable();
        ByteBuffer[] from = {bytes("x"), ByteBuffer.allocate(0), bytes("yz")};
        for (int count = 0; count < 3; ) {
            count += a.write(from);
        }
        assertEquals(0, a.write(from));
        assertEquals(0, a.write(new ByteBuffer[0]));
        var reply = ByteBuffer.allocate(3);
        b.readFully(reply);
        assertEquals("xyz", text(reply));

        b.readTimeout(Duration.ofMillis(20));
        assertThrows(SocketTimeoutException.class, b::awaitReadable);
        assertThrows(SocketTimeoutException.class, () -> b.peek(ByteBuffer.allocate(1)));
        a.shutdownOutput();
        b.readTimeout(Duration.ZERO);
        b.awaitReadable(); // the end counts as readable
        assertEquals(-1, b.peek(ByteBuffer.allocate(1)));
        assertEquals(-1, b.read(ByteBuffer.allocate(1), ByteBuffer.allocate(1)));
        b.close();
        assertThrows(SocketClosedException.class, b::awaitReadable);
        assertThrows(SocketClosedException.class, b::awaitWritable);
        assertThrows(SocketClosedException.class, () -> b.peek(ByteBuffer.allocate(1)));
        a.close();
    }

    @Test
    void basicsOnTheRealNetwork() throws Exception {
        onFiber(() -> basics(Pair.connect()));
    }

    @Test
    void aWaitForBytesEndsWhenTheyComeWhenClosedAndWhenInterrupted() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        for (int i = 0; i < 200; i++) {
                            var waiting = spawn(pair.server()::awaitReadable);
                            if (i % 2 == 0) {
                                Thread.sleep(0, 200_000);
                            }
                            pair.client().writeAll(new byte[] {1});
                            waiting.join();
                            assertEquals(1, pair.server().read(new byte[9]));
                        }
                        var started = new CountDownLatch(1);
                        var left = new CountDownLatch(1);
                        var interrupted =
                                spawn(
                                        () -> {
                                            started.countDown();
                                            try {
                                                pair.server().awaitReadable();
                                            } finally {
                                                left.countDown();
                                            }
                                        });
                        started.await(); // cancelled before, it would never run
                        Thread.sleep(5);
                        interrupted.cancel(true); // which does not wait for its code to end
                        left.await();
                        var closed = spawn(pair.server()::awaitReadable);
                        Thread.sleep(5);
                        pair.server().close();
                        assertInstanceOf(
                                SocketClosedException.class,
                                assertThrows(CompletionException.class, closed::join).getCause());
                    }
                });
    }

    @Test
    void aWaitForRoomEndsWhenThePeerReads() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        long[] written = {0};
                        var buffer = ByteBuffer.allocate(65_536);
                        pair.client().writeTimeout(Duration.ofMillis(20));
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> {
                                    for (; ; ) { // the system may find more room a moment later
                                        int count = pair.client().tryWrite(buffer.clear());
                                        written[0] += count;
                                        if (count == 0) {
                                            pair.client().awaitWritable();
                                        }
                                    }
                                });
                        pair.client().writeTimeout(Duration.ZERO);
                        var waiting = spawn(pair.client()::awaitWritable);
                        for (long read = 0; read < written[0]; ) {
                            read += pair.server().read(buffer.clear());
                        }
                        waiting.join();
                        assertTrue(pair.client().tryWrite(buffer.clear()) > 0);
                    }
                });
    }

    @Test
    void muchDataInManyBuffersArrivesAsItWasSent() throws Exception {
        var random = new SplittableRandom(7);
        byte[] data = new byte[3_000_000];
        random.nextBytes(data);
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        var writer =
                                spawn(
                                        () -> {
                                            var channel =
                                                    (GatheringByteChannel)
                                                            pair.client().asByteChannel();
                                            for (int at = 0; at < data.length; ) {
                                                var parts = new ByteBuffer[5];
                                                for (int i = 0; i < parts.length; i++) {
                                                    int n =
                                                            Math.min(
                                                                    random.nextInt(40_000),
                                                                    data.length - at);
                                                    parts[i] = ByteBuffer.wrap(data, at, n);
                                                    at += n;
                                                }
                                                channel.write(parts);
                                            }
                                            pair.client().shutdownOutput();
                                        });
                        var in = (ScatteringByteChannel) pair.server().asByteChannel();
                        byte[] received = new byte[data.length];
                        int at = 0;
                        var sizes = new SplittableRandom(8);
                        for (long count = 0; count >= 0; at += (int) count) {
                            int one = Math.min(1 + sizes.nextInt(30_000), received.length - at);
                            int two =
                                    Math.min(1 + sizes.nextInt(30_000), received.length - at - one);
                            ByteBuffer[] parts = {
                                ByteBuffer.wrap(received, at, one),
                                ByteBuffer.wrap(received, at + one, two),
                                ByteBuffer.allocate(at == received.length ? 1 : 0)
                            };
                            count = in.read(parts);
                            if (count < 0) {
                                break;
                            }
                        }
                        writer.join();
                        assertEquals(data.length, at);
                        assertArrayEquals(data, received);
                    }
                });
    }

    @Test
    void halvesCloseTheirDirectionAndTogetherTheConnection() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        var halves = pair.client().split();
                        var writing =
                                spawn(
                                        () -> {
                                            try (var writer = halves.writer()) {
                                                writer.writeAll(bytes("request"));
                                            }
                                        });
                        assertEquals(
                                "request",
                                new String(pair.server().inputStream().readAllBytes(), US_ASCII));
                        writing.join();
                        pair.server().writeAll(bytes("reply"));
                        var reply = ByteBuffer.allocate(5);
                        halves.reader().readFully(reply);
                        assertEquals("reply", text(reply));
                        assertTrue(pair.client().isOpen());
                        assertThrows(
                                SocketClosedException.class,
                                () -> halves.writer().write(bytes("more")));
                        halves.reader().close();
                        halves.reader().close();
                        assertFalse(pair.client().isOpen());
                    }
                });
    }

    @Test
    void aProxyPassesBothStreamsAndTheirEndsOn() throws Exception {
        onFiber(
                () -> {
                    try (var front = Pair.connect();
                            var back = Pair.connect()) {
                        var proxy =
                                runtime()
                                        .spawn(
                                                () ->
                                                        TcpStream.copyBidirectional(
                                                                front.server(), back.client()));
                        front.client().writeAll(bytes("question"));
                        front.client().shutdownOutput();
                        assertEquals(
                                "question",
                                new String(back.server().inputStream().readAllBytes(), US_ASCII));
                        back.server().writeAll(bytes("answer!"));
                        back.server().shutdownOutput();
                        assertEquals(
                                "answer!",
                                new String(front.client().inputStream().readAllBytes(), US_ASCII));
                        assertEquals(new TcpStream.Copied(8, 7), proxy.join());
                    }
                });
    }

    @Test
    void anInterruptStopsBothDirectionsOfAProxyAndClosesNeither() throws Exception {
        onFiber(
                () -> {
                    try (var front = Pair.connect();
                            var back = Pair.connect()) {
                        var started = new CountDownLatch(1);
                        var left = new CountDownLatch(1);
                        var proxy =
                                spawn(
                                        () -> {
                                            started.countDown();
                                            try {
                                                TcpStream.copyBidirectional(
                                                        front.server(), back.client());
                                            } finally {
                                                left.countDown();
                                            }
                                        });
                        started.await(); // cancelled before, it would never run
                        Thread.sleep(5);
                        proxy.cancel(true);
                        left.await();
                        front.client().writeAll(bytes("on"));
                        var seen = ByteBuffer.allocate(2);
                        front.server().readFully(seen); // no direction reads here any more
                        assertEquals("on", text(seen));
                    }
                });
    }

    @Test
    void aConnectionComesFromTheAddressThatWasAskedFor() throws Exception {
        onFiber(
                () -> {
                    try (var listener = TcpListener.bind(loopback(0))) {
                        var from = new InetSocketAddress("127.0.0.2", 0);
                        var options = ConnectOptions.defaults().withLocalAddress(from);
                        try (var client =
                                        TcpStream.connect(
                                                listener.localAddress(), options, PATIENCE);
                                var server = listener.accept()) {
                            assertEquals(from.getAddress(), client.localAddress().getAddress());
                            assertEquals(client.localAddress(), server.remoteAddress());
                        }
                        var foreign =
                                options.withLocalAddress(new InetSocketAddress("192.0.2.1", 0));
                        assertThrows(
                                BindException.class,
                                () ->
                                        TcpStream.connect(
                                                listener.localAddress(), foreign, PATIENCE));
                    }
                });
    }

    @Test
    void aProxyEndsWhenOneSideFailsThoughTheOtherIsSilent() throws Exception {
        onFiber(
                () -> {
                    try (var front = Pair.connect();
                            var back = Pair.connect()) {
                        var proxy =
                                spawn(
                                        () ->
                                                TcpStream.copyBidirectional(
                                                        front.server(), back.client()));
                        Thread.sleep(5);
                        back.server().closeAbortively();
                        assertInstanceOf(
                                IOException.class,
                                assertThrows(CompletionException.class, proxy::join).getCause());
                    }
                });
    }

    @Test
    void theChannelViewEndsLikeAChannelOfTheJdk() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        ByteChannel channel = pair.client().asByteChannel();
                        var started = new CountDownLatch(1);
                        var waiting =
                                spawn(
                                        () -> {
                                            started.countDown();
                                            assertThrows(
                                                    ClosedByInterruptException.class,
                                                    () -> channel.read(ByteBuffer.allocate(1)));
                                        });
                        started.await(); // cancelled before, it would never run
                        Thread.sleep(5);
                        waiting.cancel(true);
                        assertEquals(-1, pair.server().read(new byte[1]));
                        assertFalse(channel.isOpen());
                        assertThrows(ClosedChannelException.class, () -> channel.write(bytes("a")));
                    }
                });
    }
}
