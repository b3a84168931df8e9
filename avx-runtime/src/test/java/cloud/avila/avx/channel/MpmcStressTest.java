package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Crew;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** Real threads that send, reserve and receive, run out of time and are interrupted. */
@Timeout(120)
class MpmcStressTest {
    private static final int MEMBERS = 4;

    private static int sendSomehow(Sender<Long> tx, boolean places, Random random) {
        try {
            switch (random.nextInt(places ? 4 : 3)) {
                case 0 -> tx.send(1L);
                case 1 -> tx.send(1L, Duration.ofNanos(random.nextInt(100_000)));
                case 2 -> {
                    return tx.trySend(1L).isSent() ? 1 : 0;
                }
                default -> {
                    try (var permit =
                            tx.reserveMany(2, Duration.ofNanos(random.nextInt(100_000)))) {
                        permit.send(1L);
                    }
                }
            }
            return 1;
        } catch (InterruptedException | TimeoutException e) {
            return 0;
        }
    }

    private static long recvSomehow(Receiver<Long> rx, Random random) {
        try {
            switch (random.nextInt(4)) {
                case 0 -> {
                    return rx.recv();
                }
                case 1 -> {
                    return rx.recv(Duration.ofNanos(random.nextInt(100_000)));
                }
                case 2 -> {
                    return rx.recvMany(new ArrayList<>(), 3);
                }
                default -> {
                    return rx.tryRecv().message().orElse(0L);
                }
            }
        } catch (InterruptedException | TimeoutException e) {
            return 0;
        }
    }

    private record Round(SharedReceiver<Integer> receiver, int number) {}

    @Test
    void aMessageThatIsRefusedDropsNoOther() throws Exception {
        int rounds = 100_000;
        var now = new AtomicReference<@Nullable Round>();
        var closed = new AtomicInteger();
        var closer =
                new Thread(
                        () -> {
                            for (int i = 1; ; i++) {
                                Round round;
                                while ((round = now.get()) == null || round.number < i) {
                                    Thread.yield();
                                }
                                if (round.number > rounds) {
                                    return;
                                }
                                round.receiver.close();
                                closed.set(i);
                            }
                        });
        closer.start();
        int refused = 0;
        long start = System.nanoTime();
        long most = TimeUnit.SECONDS.toNanos(20); // both wait for their turns on a busy machine
        for (int i = 1; i <= rounds && System.nanoTime() - start < most; i++) {
            var channel = Mpmc.<Integer>conflating();
            var sender = channel.sender();
            var receiver = channel.receiver();
            sender.trySend(1);
            now.set(new Round(receiver, i));
            for (int spin = 0; spin < i % 40; spin++) {
                Thread.onSpinWait();
            }
            if (i % 100 == 0) {
                Thread.yield(); // the other one has to run, also on a single processor
            }
            boolean sent = sender.trySend(2).isSent();
            while (closed.get() < i) {
                Thread.yield();
            }
            assertEquals(sent ? 2 : 1, receiver.tryRecv().message().orElse(0));
            refused += sent ? 0 : 1;
        }
        now.set(new Round(Mpmc.<Integer>conflating().receiver(), rounds + 1));
        closer.join();
        assertTrue(refused > 0);
    }

    @RepeatedTest(6)
    void asMuchIsReceivedAsIsSent() throws Exception {
        var crew = new Crew("mpmc");
        int capacity = List.of(0, 2, 5).get(crew.random().nextInt(3));
        Mpmc<Long> channel = Mpmc.of(MpmcQueue.bounded(capacity, 2, -1));
        var sent = new AtomicLong();
        var received = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < MEMBERS; i++) {
            Sender<Long> tx = channel.sender();
            SharedReceiver<Long> rx = channel.receiver();
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    sent.addAndGet(sendSomehow(tx, capacity > 1, random));
                                }
                                tx.close();
                            }));
            threads.add(
                    crew.add(
                            random -> {
                                try {
                                    while (!rx.isClosed()) {
                                        received.addAndGet(recvSomehow(rx, random));
                                    }
                                } catch (ChannelClosedException e) {
                                    assertEquals(0, channel.length());
                                }
                            }));
        }
        crew.run(threads);
        for (SharedReceiver<Long> rest = channel.receiver(); ; ) {
            long n = rest.tryRecv().message().orElse(0L);
            if (n == 0) {
                break;
            }
            received.addAndGet(n);
        }
        assertEquals(sent.get(), received.get(), channel::toString);
    }
}
