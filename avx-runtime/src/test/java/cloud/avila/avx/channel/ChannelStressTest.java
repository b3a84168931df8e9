package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Crew;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

@Timeout(120)
class ChannelStressTest {
    private static final int SENDERS = 6;
    private static final int MOST = 10_000; // what an unbounded channel may hold in these tests

    private record Message(int sender, long number) {}

    /** Messages of each sender must be 0, 1, 2, ... without a gap. */
    private static final class Journal {
        final long[] next = new long[SENDERS];

        void add(Message m) {
            assertEquals(next[m.sender]++, m.number, "of sender " + m.sender);
        }
    }

    private static Mpsc<Message> randomChannel(Random random) {
        int capacity =
                switch (random.nextInt(4)) {
                    case 0 -> 1;
                    case 1 -> 2 + random.nextInt(5);
                    case 2 -> 100;
                    default -> MpscQueue.UNBOUNDED;
                };
        return Mpsc.withSegments(capacity, 4);
    }

    /** Sends the next message in a random way; false if it was not sent. */
    private static boolean sendSomehow(
            Mpsc<Message> channel, Sender<Message> tx, Message m, Random random) {
        try {
            if (channel.length() > MOST && !channel.isClosed()) {
                Thread.sleep(1);
                return false;
            }
            switch (random.nextInt(4)) {
                case 0 -> tx.send(m);
                case 1 -> tx.send(m, Duration.ofNanos(random.nextInt(100_000)));
                case 2 -> tx.send(m, Duration.ofSeconds(100));
                default -> {
                    SendResult result = tx.trySend(m);
                    if (result == SendResult.CLOSED) {
                        throw new ChannelClosedException("trySend", m);
                    }
                    return result.isSent();
                }
            }
            return true;
        } catch (InterruptedException | TimeoutException e) {
            return false;
        }
    }

    private static void recvSomehow(
            Receiver<Message> rx, Journal journal, List<Message> buffer, Random random) {
        try {
            switch (random.nextInt(5)) {
                case 0 -> journal.add(rx.recv());
                case 1 -> journal.add(rx.recv(Duration.ofNanos(random.nextInt(100_000))));
                case 2 -> journal.add(rx.recv(Duration.ofSeconds(100)));
                case 3 -> {
                    rx.recvMany(buffer, 1 + random.nextInt(10));
                    buffer.forEach(journal::add);
                    buffer.clear();
                }
                default -> rx.tryRecv().message().ifPresent(journal::add);
            }
        } catch (InterruptedException | TimeoutException e) {
            // nothing was taken; the journal would show a gap
        }
    }

    @RepeatedTest(4)
    void nothingIsLostDuplicatedOrReorderedByInterruptsAndTimeouts() throws Exception {
        var crew = new Crew("mpsc");
        Mpsc<Message> channel = randomChannel(crew.random());
        var sent = new AtomicLongArray(SENDERS);
        var journal = new Journal();
        var threads = new ArrayList<Thread>();
        for (int s = 0; s < SENDERS; s++) {
            int sender = s;
            Sender<Message> tx = channel.sender();
            threads.add(
                    crew.add(
                            random -> {
                                long n = 0;
                                while (!crew.isOver()) {
                                    if (sendSomehow(channel, tx, new Message(sender, n), random)) {
                                        n++;
                                    }
                                }
                                sent.set(sender, n);
                                tx.close();
                            }));
        }
        threads.add(
                crew.add(
                        random -> {
                            var rx = channel.receiver();
                            var buffer = new ArrayList<Message>();
                            while (!rx.isClosed() || channel.length() > 0) {
                                try {
                                    recvSomehow(rx, journal, buffer, random);
                                } catch (ChannelClosedException e) {
                                    assertEquals(0, channel.length());
                                }
                            }
                        }));
        crew.run(threads);
        long[] counts = new long[SENDERS];
        Arrays.setAll(counts, sent::get);
        assertEquals(Arrays.toString(counts), Arrays.toString(journal.next), channel.toString());
    }

    @RepeatedTest(4)
    void whatWasSentBeforeTheReceiverClosedCanBeReceivedAndTheRestComesBack() throws Exception {
        var crew = new Crew("mpsc-close");
        Mpsc<Message> channel = randomChannel(crew.random());
        var sent = new AtomicLongArray(SENDERS);
        var threads = new ArrayList<Thread>();
        for (int s = 0; s < SENDERS; s++) {
            int sender = s;
            Sender<Message> tx = channel.sender();
            threads.add(
                    crew.add(
                            random -> {
                                long n = 0;
                                for (; ; ) {
                                    var m = new Message(sender, n);
                                    try {
                                        if (sendSomehow(channel, tx, m, random)) {
                                            n++;
                                        }
                                    } catch (ChannelClosedException e) {
                                        assertEquals(m, e.undelivered().orElseThrow());
                                        break;
                                    }
                                }
                                sent.set(sender, n);
                            }));
        }
        var journal = new Journal();
        var rx = channel.receiver();
        crew.add(
                random -> {
                    var buffer = new ArrayList<Message>();
                    while (!crew.isOver()) {
                        recvSomehow(rx, journal, buffer, random);
                    }
                    rx.close();
                });
        crew.run(threads);
        for (Message m : rx) {
            journal.add(m);
        }
        long[] counts = new long[SENDERS];
        Arrays.setAll(counts, sent::get);
        assertEquals(Arrays.toString(counts), Arrays.toString(journal.next), channel.toString());
    }

    @RepeatedTest(4)
    void aBroadcastReceiverGetsOrMissesEveryMessage() throws Exception {
        var crew = new Crew("broadcast");
        var channel = Broadcast.<Message>create(1 << crew.random().nextInt(8));
        int receivers = 5;
        var accounted = new AtomicLongArray(receivers);
        var running = new AtomicLong(2);
        var threads = new ArrayList<Thread>();
        for (int r = 0; r < receivers; r++) {
            int receiver = r;
            Receiver<Message> rx = channel.subscribe();
            threads.add(
                    crew.add(
                            random -> {
                                long count = 0;
                                var last = new long[] {-1, -1};
                                for (; ; ) {
                                    try {
                                        Message m = rx.recv(Duration.ofNanos(50_000));
                                        count++;
                                        assertTrue(m.number > last[m.sender], "out of order");
                                        last[m.sender] = m.number;
                                    } catch (LaggedException e) {
                                        assertTrue(e.missed() > 0);
                                        count += e.missed();
                                    } catch (InterruptedException | TimeoutException e) {
                                        // nothing was taken; the sum would not match
                                    } catch (ChannelClosedException e) {
                                        break;
                                    }
                                }
                                accounted.set(receiver, count);
                            }));
        }
        for (int s = 0; s < 2; s++) {
            int sender = s;
            crew.add(
                    random -> {
                        for (long n = 0; !crew.isOver(); n++) {
                            assertEquals(receivers, channel.send(new Message(sender, n)));
                            if (random.nextInt(50) == 0) {
                                Crew.pause(random.nextInt(100_000));
                            }
                        }
                        if (running.decrementAndGet() == 0) {
                            channel.close();
                        }
                    });
        }
        crew.run(threads);
        for (int r = 0; r < receivers; r++) {
            assertEquals(channel.sent(), accounted.get(r), "receiver " + r);
        }
    }

    @RepeatedTest(2)
    void aOneshotIsEitherSentOrClosed() throws Exception {
        var crew = new Crew("oneshot");
        var requests = Mpsc.<Oneshot<Long>>bounded(4);
        var sent = new AtomicLong();
        var got = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 4; i++) {
            Sender<Oneshot<Long>> tx = requests.sender();
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    try (var reply = Oneshot.<Long>create()) {
                                        tx.send(reply);
                                        try {
                                            got.addAndGet(
                                                    reply.recv(
                                                            Duration.ofNanos(
                                                                    random.nextInt(200_000))));
                                            continue;
                                        } catch (ChannelClosedException e) {
                                            continue;
                                        } catch (InterruptedException | TimeoutException e) {
                                            reply.close();
                                        }
                                        // closed too late: the value is there and counts as sent
                                        reply.tryRecv().message().ifPresent(got::addAndGet);
                                    } catch (InterruptedException e) {
                                        // the request was not sent
                                    }
                                }
                                tx.close();
                            }));
        }
        crew.add(
                random -> {
                    for (Oneshot<Long> reply : requests.receiver()) {
                        switch (random.nextInt(8)) {
                            case 0 -> reply.close();
                            case 1 -> {
                                Crew.pause(random.nextInt(100_000));
                                if (reply.trySend(1L).isSent()) {
                                    sent.incrementAndGet();
                                }
                            }
                            default -> {
                                if (reply.trySend(1L).isSent()) {
                                    sent.incrementAndGet();
                                }
                            }
                        }
                    }
                });
        crew.run(threads);
        assertTrue(sent.get() > 0);
        assertEquals(sent.get(), got.get());
    }
}
