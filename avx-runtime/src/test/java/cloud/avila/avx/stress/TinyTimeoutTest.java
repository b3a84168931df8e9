package cloud.avila.avx.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Oneshot;
import cloud.avila.avx.sync.Permit;
import cloud.avila.avx.sync.Semaphore;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;

/**
 * A fiber that waits in a loop with timeouts too short to park for must not keep the only worker
 * from the fiber that it waits for.
 */
@Timeout(300)
class TinyTimeoutTest {
    private static final Duration TINY = Duration.ofNanos(1);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private interface Action {
        void run() throws Exception;
    }

    private static <T> T loop(Callable<@Nullable T> attempt, Action other) throws Exception {
        var config = RuntimeConfig.builder().workerThreads(1).shutdownTimeout(TINY).build();
        try (var runtime = AvxRuntime.create(config)) {
            var loop =
                    runtime.spawn(
                            () -> {
                                for (; ; ) {
                                    try {
                                        T result = attempt.call();
                                        if (result != null) {
                                            return result;
                                        }
                                    } catch (TimeoutException e) {
                                        assertTrue(e.getMessage() != null);
                                    }
                                }
                            });
            Thread.sleep(20);
            runtime.spawn(
                    () -> {
                        other.run();
                        return null;
                    });
            return loop.join(PATIENCE);
        }
    }

    @Test
    void receiving() throws Exception {
        var channel = Mpsc.<String>bounded(1);
        var sender = channel.sender();
        var receiver = channel.receiver();
        assertEquals("m", loop(() -> receiver.recv(TINY), () -> sender.send("m")));

        var bus = Broadcast.<String>create(4);
        var subscription = bus.subscribe();
        assertEquals("b", loop(() -> subscription.recv(TINY), () -> bus.send("b")));

        var once = Oneshot.<String>create();
        assertEquals("o", loop(() -> once.recv(TINY), () -> once.send("o")));
    }

    @Test
    void sending() throws Exception {
        var channel = Mpsc.<String>bounded(1);
        var sender = channel.sender();
        var receiver = channel.receiver();
        sender.send("first");
        Callable<@Nullable String> send =
                () -> {
                    sender.send("second", TINY);
                    return "sent";
                };
        assertEquals("sent", loop(send, receiver::recv));
    }

    @Test
    void acquiring() throws Exception {
        var semaphore = new Semaphore(0);
        Permit permit = loop(() -> semaphore.tryAcquire(TINY), semaphore::release);
        assertEquals(1, permit.count());
    }
}
