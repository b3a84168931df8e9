package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.reactor.IoDriver.DatagramSettings;
import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;
import cloud.avila.avx.internal.sys.Faults;
import cloud.avila.avx.internal.sys.LinuxErrno;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A driver that reports readiness, on a system that fails: every call at its n-th use with every
 * error it can give, n rising until a run passes untouched; transfers of every length; events
 * without cause; and with users who close, interrupt and time out at random moments. Each time the
 * run must end, nothing may stay open, and no byte may be lost.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(300)
abstract class ReadinessFaultContract {
    private static final long SECOND = 1_000_000_000L;
    private static final long PATIENCE = 20 * SECOND;
    private static final ListenSettings LISTEN = new ListenSettings(16, true, false, 8192);
    private static final DatagramSettings DATAGRAM =
            new DatagramSettings(true, false, 8192, 8192, true);

    /** What an error may do. */
    enum Effect {
        /** Nobody notices. */
        NONE,
        /** The operation fails; tried again it goes on where it was. */
        ONE_OPERATION,
        /** The operation fails, and what belongs to it may be of no use any more. */
        FAILURE
    }

    /** A call that fails, with the number of Linux for why. */
    record Call(String function, int errno, Effect effect) {
        static Stream<Call> of(Effect effect, String function, int... errnos) {
            return IntStream.of(errnos).mapToObj(errno -> new Call(function, errno, effect));
        }

        @Override
        public String toString() {
            return function + " " + LinuxErrno.name(errno);
        }
    }

    /** A driver and its system. */
    interface Faulty {
        Faults faults();

        IoDriver open() throws IOException;

        /** Lets the system report events without cause. */
        void storm(long seed);
    }

    /** A new system without faults. */
    abstract Faulty system();

    /** Every call and its errors. */
    abstract Stream<Call> calls();

    /** The operation that takes a file's place is tried twice if an error may be passed over. */
    private static final class Attempts {
        private final boolean again;
        private @Nullable IOException failure;

        Attempts(boolean again) {
            this.again = again;
        }

        <T extends @Nullable Object> T of(Callable<T> operation) throws Exception {
            try {
                return operation.call();
            } catch (IOException e) {
                assertNull(failure, "a second failure");
                failure = e;
                if (!again) {
                    throw e;
                }
                return operation.call();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void whicheverUseOfACallFailsNothingIsLeakedHungOrLost(Call call) throws Exception {
        long before = Descriptors.count();
        int failures = 0;
        for (int use = 1; ; use++) {
            assertTrue(use < 200, "the run does not come to an end");
            Faulty system = system();
            system.faults().failUse(call.function, call.errno, use);
            var attempts = new Attempts(call.effect == Effect.ONE_OPERATION);
            try {
                run(system, attempts);
            } catch (IOException e) {
                assertEquals(Effect.FAILURE, call.effect, () -> "use fails with " + e);
                attempts.failure = e;
            }
            Descriptors.assertCount(before);
            if (attempts.failure != null) {
                failures++;
                String message = String.valueOf(attempts.failure.getMessage());
                assertTrue(message.contains(LinuxErrno.name(call.errno)), message);
            }
            if (system.faults().calls(call.function) < use) {
                assertNull(attempts.failure, "nothing failed");
                assertTrue(use > 1, () -> "the run does not use " + call.function);
                break;
            }
        }
        assertEquals(call.effect == Effect.NONE, failures == 0, "failures that were told");
    }

    @Test
    void transfersOfEveryLengthLoseNothing() throws Exception {
        long before = Descriptors.count();
        for (int most = 1; most <= 40; most++) {
            for (String function : new String[] {"recv", "send"}) {
                Faulty system = system();
                system.faults().shorten(function, most);
                run(system, new Attempts(false));
            }
        }
        Descriptors.assertCount(before);
    }

    @Test
    void eventsWithoutCauseAreNoData() throws Exception {
        long seed = Long.getLong("avx.stress.seed", System.nanoTime());
        System.err.println(getClass().getSimpleName() + ": -Davx.stress.seed=" + seed);
        long before = Descriptors.count();
        int spurious = 0;
        for (int i = 0; i < 30; i++) {
            Faulty system = system();
            system.storm(seed + i);
            run(system, new Attempts(false));
            spurious += system.faults().calls("spurious");
        }
        assertTrue(spurious > 0, "there were none");
        Descriptors.assertCount(before);
    }

    // ---- closing, interrupting and timing out at random moments ----

    @Test
    void closesInterruptsAndTimeoutsAtRandomMomentsLeakHangAndLoseNothing() throws Exception {
        long seed = Long.getLong("avx.stress.seed", System.nanoTime());
        System.err.println(getClass().getSimpleName() + ": -Davx.stress.seed=" + seed);
        long before = Descriptors.count();
        long end = System.nanoTime() + Long.getLong("avx.stress.millis", 2000) * 1_000_000;
        var orderlyEnds = new AtomicInteger();
        try (var poller = new PollingThread(system().open())) {
            var workers = new ArrayList<ThreadKind.Running<Integer>>();
            for (int i = 0; i < 6; i++) {
                var random = new SplittableRandom(seed + i);
                workers.add(
                        ThreadKind.VIRTUAL.run(
                                () -> {
                                    int rounds = 0;
                                    do {
                                        new Round(poller.driver(), random, orderlyEnds).run();
                                        rounds++;
                                    } while (goesOn(end, orderlyEnds));
                                    return rounds;
                                }));
            }
            for (var worker : workers) {
                assertTrue(worker.get() > 0);
            }
            assertEquals(0, poller.driver().registered());
        }
        assertTrue(orderlyEnds.get() > 0, "no connection ended in order");
        Descriptors.assertCount(before);
    }

    /** On a busy machine no connection may have ended in order by then. */
    private static boolean goesOn(long end, AtomicInteger orderlyEnds) {
        long over = System.nanoTime() - end;
        return over < 0 || (orderlyEnds.get() == 0 && over < PATIENCE);
    }

    /** One connection, with a thread that sends, one that receives, and one that disturbs them. */
    private static final class Round {
        private final IoDriver driver;
        private final SplittableRandom random;
        private final AtomicInteger orderlyEnds;
        private volatile boolean cut;
        private volatile boolean over;

        Round(IoDriver driver, SplittableRandom random, AtomicInteger orderlyEnds) {
            this.driver = driver;
            this.random = random;
            this.orderlyEnds = orderlyEnds;
        }

        void run() throws Exception {
            try (IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN)) {
                var accepting = ThreadKind.VIRTUAL.run(() -> accept(listener));
                IoStream from = driver.connect(listener.localAddress(), PATIENCE);
                assertNotNull(from, "not connected");
                accepting.thread().interrupt();
                IoStream to = accepting.get();
                try (from;
                        to) {
                    disturb(from, to);
                }
            }
        }

        /** Interrupted at any time, and yet no connection is lost. */
        private static IoStream accept(IoListener listener) throws IOException {
            for (; ; ) {
                try {
                    IoStream accepted = listener.accept(PATIENCE);
                    assertNotNull(accepted, "not accepted");
                    return accepted;
                } catch (InterruptedException again) {
                    Thread.onSpinWait();
                }
            }
        }

        private void disturb(IoStream from, IoStream to) throws Exception {
            long forSender = random.nextLong();
            long forReceiver = random.nextLong();
            var sender = ThreadKind.VIRTUAL.run(() -> send(from, new SplittableRandom(forSender)));
            var receiver =
                    ThreadKind.VIRTUAL.run(() -> receive(to, new SplittableRandom(forReceiver)));
            for (int i = random.nextInt(1, 8); i > 0; i--) {
                Thread.sleep(Duration.ofNanos(random.nextInt(300_000)));
                Thread thread = random.nextBoolean() ? sender.thread() : receiver.thread();
                switch (random.nextInt(8)) {
                    case 0 -> {
                        cut = true;
                        to.shutdownInput();
                    }
                    case 1 -> {
                        cut = true;
                        (random.nextBoolean() ? from : to).closeAbortively();
                    }
                    case 2 -> {
                        cut = true;
                        to.close();
                    }
                    case 3 -> from.close();
                    case 4 -> from.shutdownOutput();
                    default -> thread.interrupt();
                }
            }
            if (!cut && random.nextBoolean()) {
                from.close();
                endsInOrder(sender.get(), receiver.get());
            }
            over = true;
            from.close();
            to.close();
            sender.get();
            receiver.get();
        }

        private void endsInOrder(long sent, long received) {
            assertEquals(sent, received, "bytes sent and received");
            orderlyEnds.incrementAndGet();
        }

        private static long timeout(SplittableRandom random) {
            return switch (random.nextInt(4)) {
                case 0 -> 0;
                case 1 -> IoDriver.FOREVER;
                default -> random.nextLong(1_000_000);
            };
        }

        /** Sends 0, 1, 2 ... until it cannot; how many. */
        private long send(IoStream to, SplittableRandom random) {
            long sent = 0;
            for (; ; ) {
                byte[] bytes = new byte[random.nextInt(1, 20_000)];
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] = (byte) (sent + i);
                }
                try {
                    int count = to.send(bytes, 0, bytes.length, timeout(random));
                    if (count == IoDriver.CLOSED) {
                        return sent;
                    }
                    sent += Math.max(count, 0);
                } catch (InterruptedException nothingWasSent) {
                    Thread.onSpinWait();
                } catch (IOException closedOrShutDown) {
                    return sent;
                }
            }
        }

        /** Receives until the end and checks each byte; how many. */
        private long receive(IoStream from, SplittableRandom random) {
            long received = 0;
            byte[] bytes = new byte[30_000];
            for (; ; ) {
                try {
                    int most = random.nextInt(1, bytes.length);
                    int count = from.recv(bytes, 0, most, timeout(random));
                    if (count == IoDriver.CLOSED || count == IoDriver.END_OF_STREAM) {
                        return received;
                    }
                    for (int i = 0; i < count; i++) {
                        assertEquals((byte) (received + i), bytes[i], "byte " + (received + i));
                    }
                    received += Math.max(count, 0);
                } catch (InterruptedException nothingIsLost) {
                    Thread.onSpinWait();
                } catch (IOException reset) {
                    assertTrue(cut || over, reset::toString);
                    return received;
                }
            }
        }
    }

    // ---- the run: every operation of every socket ----

    private void run(Faulty system, Attempts attempts) throws Exception {
        try (var poller = new PollingThread(system.open())) {
            IoDriver driver = poller.driver();
            try (IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN)) {
                IoStream client = attempts.of(() -> connect(driver, listener));
                try (IoStream a = client;
                        IoStream b = attempts.of(() -> listener.accept(PATIENCE))) {
                    assertNotNull(b, "not accepted");
                    assertEquals(local(a), b.remoteAddress());
                    streams(attempts, a, b);
                    waitingReader(attempts, a);
                }
                abortive(attempts, driver, listener);
            }
            datagrams(attempts, driver);
        }
    }

    private static IoStream connect(IoDriver driver, IoListener listener) throws Exception {
        IoStream stream = driver.connect(listener.localAddress(), PATIENCE);
        assertNotNull(stream, "not connected");
        return stream;
    }

    /** The address; a socket that cannot ask for it says so with port 0, and asks again later. */
    private static InetSocketAddress local(IoSocket socket) {
        InetSocketAddress address = socket.localAddress();
        return address.getPort() == 0 ? socket.localAddress() : address;
    }

    /** Sends or receives a part; not negative. */
    private interface Transfer {
        int next(byte[] bytes, int offset) throws Exception;
    }

    private static List<Transfer> sends(IoStream to) {
        var all = new ArrayList<Transfer>();
        all.add((b, at) -> to.send(b, at, b.length - at, PATIENCE));
        all.add((b, at) -> to.send(ByteBuffer.wrap(b, at, b.length - at), PATIENCE));
        all.add(
                (b, at) ->
                        to.send(
                                ByteBuffer.allocateDirect(b.length - at)
                                        .put(b, at, b.length - at)
                                        .flip(),
                                PATIENCE));
        all.add(
                (b, at) -> {
                    int half = (b.length - at) / 2;
                    ByteBuffer[] two = {
                        ByteBuffer.wrap(b, at, half),
                        ByteBuffer.wrap(b, at + half, b.length - at - half)
                    };
                    return to.send(two, PATIENCE);
                });
        return all;
    }

    private static List<Transfer> receives(IoStream from) {
        var all = new ArrayList<Transfer>();
        // room for more than comes, so that what comes is a short read
        all.add(
                (b, at) -> {
                    byte[] room = new byte[b.length + 8];
                    int count = from.recv(room, 0, room.length, PATIENCE);
                    return taken(count, room, b, at);
                });
        all.add(
                (b, at) -> {
                    ByteBuffer room = ByteBuffer.allocateDirect(b.length + 8);
                    int count = from.recv(room, PATIENCE);
                    byte[] got = new byte[Math.max(count, 0)];
                    room.flip().get(got);
                    return taken(count, got, b, at);
                });
        all.add((b, at) -> from.recv(ByteBuffer.wrap(b, at, b.length - at), PATIENCE));
        all.add(
                (b, at) -> {
                    int half = (b.length - at) / 2;
                    ByteBuffer[] two = {
                        ByteBuffer.wrap(b, at, half),
                        ByteBuffer.wrap(b, at + half, b.length - at - half)
                    };
                    return from.recv(two, PATIENCE);
                });
        return all;
    }

    private static int taken(int count, byte[] from, byte[] to, int at) {
        if (count > 0) {
            System.arraycopy(from, 0, to, at, count);
        }
        return count;
    }

    private static void all(Attempts attempts, byte[] bytes, Transfer transfer) throws Exception {
        for (int done = 0; done < bytes.length; ) {
            int at = done;
            int count = attempts.of(() -> transfer.next(bytes, at));
            assertTrue(count > 0, () -> "transferred " + count + " at " + at);
            done += count;
        }
    }

    private static void streams(Attempts attempts, IoStream a, IoStream b) throws Exception {
        attempts.of(() -> a.setOption(StandardSocketOptions.SO_KEEPALIVE, true));
        assertTrue(attempts.of(() -> a.getOption(StandardSocketOptions.SO_KEEPALIVE)));
        List<Transfer> sends = sends(a);
        List<Transfer> receives = receives(b);
        for (int i = 0; i < sends.size(); i++) {
            byte[] sent = new byte[32];
            for (int j = 0; j < sent.length; j++) {
                sent[j] = (byte) (i * 64 + j + 1);
            }
            all(attempts, sent, sends.get(i));
            byte[] got = new byte[32];
            all(attempts, got, receives.get(i));
            assertArrayEquals(sent, got);
        }
        assertEquals(IoDriver.TIMED_OUT, attempts.of(() -> b.recv(new byte[1], 0, 1, 1_000_000)));
        assertEquals(0, attempts.of(() -> a.awaitWritable(PATIENCE)));
        all(attempts, new byte[] {42}, sends.getFirst());
        assertEquals(0, attempts.of(() -> b.awaitReadable(PATIENCE)));
        assertEquals(1, attempts.of(b::available));
        assertEquals(1, attempts.of(() -> b.peek(ByteBuffer.allocate(4), PATIENCE)));
        byte[] got = new byte[1];
        all(attempts, got, receives.getFirst());
        assertEquals(42, got[0]);
        attempts.of(a::shutdownOutput);
        assertEquals(
                IoDriver.END_OF_STREAM, attempts.of(() -> b.recv(new byte[8], 0, 8, PATIENCE)));
    }

    /** A reader that waits is woken by closing. */
    private static void waitingReader(Attempts attempts, IoStream a) throws Exception {
        var reader =
                ThreadKind.VIRTUAL.run(
                        () -> attempts.of(() -> a.recv(new byte[1], 0, 1, IoDriver.FOREVER)));
        while (!reader.future().isDone() && reader.thread().getState() != Thread.State.WAITING) {
            Thread.sleep(1);
        }
        a.close();
        int result = reader.get();
        assertTrue(result == IoDriver.CLOSED, () -> "result " + result);
    }

    private static void abortive(Attempts attempts, IoDriver driver, IoListener listener)
            throws Exception {
        try (IoStream a = attempts.of(() -> connect(driver, listener));
                IoStream b = attempts.of(() -> listener.accept(PATIENCE))) {
            assertNotNull(b, "not accepted");
            a.closeAbortively();
            attempts.of(
                    () -> {
                        try {
                            // an orderly end if setting SO_LINGER failed
                            return b.recv(new byte[1], 0, 1, PATIENCE) == IoDriver.END_OF_STREAM;
                        } catch (IOException e) {
                            if (String.valueOf(e.getMessage()).contains("ECONNRESET")) {
                                return true;
                            }
                            throw e;
                        }
                    });
        }
    }

    private static void datagrams(Attempts attempts, IoDriver driver) throws Exception {
        try (IoDatagram socket = driver.datagram(IoDriverContract.loopback(0), DATAGRAM)) {
            assertNull(attempts.of(() -> socket.recvFrom(ByteBuffer.allocate(8), 1_000_000)));
            ByteBuffer from = ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5});
            assertEquals(
                    5, attempts.of(() -> socket.sendTo(from, socket.localAddress(), PATIENCE)));
            ByteBuffer to = ByteBuffer.allocate(3);
            IoDatagram.Received received = attempts.of(() -> socket.recvFrom(to, PATIENCE));
            assertNotNull(received, "no datagram");
            assertEquals(new IoDatagram.Received(socket.localAddress(), 3, 5), received);
            assertArrayEquals(new byte[] {1, 2, 3}, to.array());
            assertTrue(attempts.of(() -> socket.connect(socket.localAddress())));
            assertEquals(
                    1, attempts.of(() -> socket.sendTo(ByteBuffer.allocate(1), null, PATIENCE)));
            assertNotNull(attempts.of(() -> socket.recvFrom(ByteBuffer.allocate(1), PATIENCE)));
        }
    }
}
