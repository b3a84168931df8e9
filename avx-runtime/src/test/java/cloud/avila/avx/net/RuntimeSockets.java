package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.EnterGuard;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.internal.reactor.Descriptors;
import cloud.avila.avx.internal.reactor.LeakDetector;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A runtime for tests of sockets. After each test nothing may be left open or have leaked, with the
 * leak detector in paranoid.
 */
abstract class RuntimeSockets {
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private long descriptors;
    private long leaks;
    private @Nullable AvxRuntime runtime;

    /** The driver that the runtime shall have. */
    ReactorDriver driver() {
        return ReactorDriver.AUTO;
    }

    /** What an earlier test has left in the JVM must not come to light, or go away, in this one. */
    @BeforeAll
    static void settle() throws InterruptedException {
        collectGarbage();
        Descriptors.settle();
    }

    @BeforeEach
    final void start() {
        LeakDetector.level(LeakDetector.Level.PARANOID);
        leaks = LeakDetector.leaks();
        descriptors = Descriptors.count();
        runtime =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .name(getClass().getSimpleName())
                                .workerThreads(2)
                                .reactorDriver(driver())
                                .shutdownTimeout(Duration.ofSeconds(5))
                                .build());
    }

    @AfterEach
    final void stop() throws Exception {
        // before the runtime closes what is open
        collectGarbage();
        runtime().close();
        Descriptors.assertCount(descriptors);
        assertEquals(leaks, LeakDetector.leaks(), "leaked sockets, see the log");
    }

    static void collectGarbage() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(20);
        }
    }

    final AvxRuntime runtime() {
        AvxRuntime r = runtime;
        assertTrue(r != null);
        return r;
    }

    /** Something that may throw. */
    interface Body {
        void run() throws Exception;
    }

    /** Runs on a fiber and waits. */
    final void onFiber(Body body) throws Exception {
        spawn(body).join(PATIENCE.multipliedBy(2));
    }

    final JoinHandle<@Nullable Void> spawn(Body body) {
        Callable<@Nullable Void> task =
                () -> {
                    body.run();
                    return null;
                };
        return runtime().spawn(task);
    }

    /** {@link SocketStream#whenReadable} or the like. */
    interface Asking {
        boolean when(Runnable action) throws Exception;
    }

    /** Ready now; but an event on its way may have run the action before that was found out. */
    static void assertReady(Asking asking) throws Exception {
        var ran = new CountDownLatch(1);
        assertTrue(
                asking.when(ran::countDown) || ran.await(60, TimeUnit.SECONDS),
                "neither ready nor called");
    }

    final EnterGuard enter() {
        return runtime().enter();
    }

    static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    static void assertMessage(String part, Throwable thrown) {
        assertTrue(String.valueOf(thrown.getMessage()).contains(part), thrown::toString);
    }

    /** Two ends of a connection. */
    record Pair(TcpStream client, TcpStream server) implements AutoCloseable {
        static Pair connect() throws Exception {
            try (var listener = TcpListener.bind(loopback(0))) {
                return connect(listener);
            }
        }

        static Pair connect(TcpListener listener) throws Exception {
            TcpStream client = TcpStream.connect(listener.localAddress(), PATIENCE);
            return new Pair(client, listener.accept(PATIENCE));
        }

        @Override
        public void close() {
            client.close();
            server.close();
        }
    }
}
