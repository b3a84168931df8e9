package cloud.avila.avx.stress;

import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.ChannelClosedException;
import cloud.avila.avx.channel.LaggedException;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Oneshot;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.channel.RecvResult;
import cloud.avila.avx.channel.Sender;
import cloud.avila.avx.time.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/** Scenarios of messages: everything sent is received, in order, whoever is cancelled meanwhile. */
final class ChannelScenarios {
    private ChannelScenarios() {}

    private record Message(int producer, long number) {}

    /** Many senders of all kinds, some of them cancelled, and one receiver that times out. */
    static final class ManyToOne extends Scenario {
        private static final int PRODUCERS = 12;

        private final AtomicLong sent = new AtomicLong();
        private final long[] last = new long[PRODUCERS];
        private long received;

        @Override
        void run(Context cx) throws Exception {
            Mpsc<Message> channel =
                    cx.chance(30) ? Mpsc.unbounded() : Mpsc.bounded(1 << cx.between(0, 10));
            Receiver<Message> receiver = channel.receiver();
            Sender<Message> keep = channel.sender();
            Context own = cx.split();
            JoinHandle<Integer> consumer = cx.spawn(() -> receive(own, receiver));
            List<JoinHandle<Integer>> producers = new ArrayList<>();
            List<Thread> outside = new ArrayList<>();
            int n = cx.between(1, PRODUCERS);
            for (int i = 0; i < n; i++) {
                Context c = cx.split();
                int id = i;
                if (cx.chance(80)) {
                    producers.add(cx.spawn(() -> send(c, id, keep)));
                } else {
                    var builder = cx.chance(50) ? Thread.ofVirtual() : Thread.ofPlatform();
                    outside.add(
                            builder.start(
                                    () -> {
                                        try {
                                            send(c, id, keep);
                                        } catch (InterruptedException e) {
                                            fail(e);
                                        }
                                    }));
                }
            }
            cancelSome(cx, producers);
            joinAll(producers);
            for (Thread t : outside) {
                t.join();
            }
            keep.close();
            consumer.join();
        }

        private int send(Context cx, int id, Sender<Message> keep) throws InterruptedException {
            try (Sender<Message> sender = keep.duplicate()) {
                for (long number = 1; cx.more(); number++) {
                    var message = new Message(id, number);
                    switch (cx.between(0, 3)) {
                        case 0 -> {
                            if (!sender.trySend(message).isSent()) {
                                continue;
                            }
                        }
                        case 1 -> {
                            try {
                                sender.send(message, Duration.ofNanos(cx.between(1, 200_000)));
                            } catch (TimeoutException e) {
                                continue;
                            }
                        }
                        default -> sender.send(message);
                    }
                    sent.getAndIncrement();
                }
            } catch (ChannelClosedException e) {
                // cancelled before it began, and the others are done
                return 1;
            }
            return 0;
        }

        private int receive(Context cx, Receiver<Message> receiver) throws Exception {
            var batch = new ArrayList<Message>();
            try {
                for (; ; ) {
                    batch.clear();
                    switch (cx.between(0, 4)) {
                        case 0 -> {
                            if (receiver.recvMany(batch, cx.between(1, 256)) == 0) {
                                return 0;
                            }
                        }
                        case 1 -> {
                            if (receiver.tryRecv() instanceof RecvResult.Received<Message>(var m)) {
                                batch.add(m);
                            }
                        }
                        case 2 -> {
                            try {
                                batch.add(receiver.recv(Duration.ofNanos(cx.between(1, 100_000))));
                            } catch (TimeoutException e) {
                                continue;
                            }
                        }
                        case 3 -> {
                            try {
                                batch.add(
                                        Timeout.call(
                                                Duration.ofNanos(cx.between(1, 200_000)),
                                                receiver::recv));
                            } catch (TimeoutException e) {
                                if (e.getCause() instanceof ChannelClosedException) {
                                    return 0;
                                }
                                continue;
                            }
                        }
                        default -> batch.add(receiver.recv());
                    }
                    for (Message m : batch) {
                        require(last[m.producer()] < m.number(), "out of order: %s", m);
                        last[m.producer()] = m.number();
                        received++;
                    }
                }
            } catch (ChannelClosedException e) {
                return 0;
            }
        }

        @Override
        void verify() {
            requireEqual(sent.get(), received, "messages");
        }
    }

    /** Every receiver gets or misses, as it is told, every message. */
    static final class OneToAll extends Scenario {
        @Override
        void run(Context cx) throws Exception {
            var bus = Broadcast.<Long>create(1 << cx.between(0, 10));
            List<JoinHandle<Long>> receivers = new ArrayList<>();
            for (int i = cx.between(1, 8); i > 0; i--) {
                Receiver<Long> subscription = bus.subscribe();
                Context own = cx.split();
                receivers.add(cx.spawn(() -> receive(own, subscription)));
            }
            List<JoinHandle<Integer>> senders = new ArrayList<>();
            for (int i = cx.between(1, 4); i > 0; i--) {
                Context own = cx.split();
                senders.add(cx.spawn(() -> send(own, bus)));
            }
            cancelSome(cx, senders);
            joinAll(senders);
            while (cx.more()) {
                Thread.sleep(1);
            }
            bus.close();
            long total = bus.sent();
            for (var r : receivers) {
                requireEqual(total, r.join(), "messages received and missed");
            }
        }

        private static int send(Context cx, Broadcast<Long> bus) throws InterruptedException {
            for (long i = 0; cx.more(); i++) {
                bus.send(i);
                if (cx.chance(5)) {
                    Thread.sleep(0, cx.between(0, 500_000));
                }
            }
            return 0;
        }

        private static long receive(Context cx, Receiver<Long> from) throws InterruptedException {
            long count = 0;
            try (from) {
                for (; ; ) {
                    try {
                        if (cx.chance(20)) {
                            from.recv(Duration.ofNanos(cx.between(1, 100_000)));
                        } else {
                            from.recv();
                        }
                        count++;
                        if (cx.chance(1)) {
                            Thread.sleep(0, cx.between(0, 500_000));
                        }
                    } catch (LaggedException e) {
                        count += e.missed();
                    } catch (TimeoutException e) {
                        cx.progress().step();
                    }
                }
            } catch (ChannelClosedException e) {
                return count;
            }
        }

        @Override
        void verify() {}
    }

    /** Requests with replies; each reply arrives or its absence is told. */
    static final class Replies extends Scenario {
        @Override
        void run(Context cx) throws Exception {
            while (cx.more()) {
                List<JoinHandle<Integer>> handles = new ArrayList<>();
                for (int i = cx.between(1, 30); i > 0; i--) {
                    Context own = cx.split();
                    handles.add(cx.spawn(() -> ask(own)));
                }
                joinAll(handles);
            }
        }

        private static int ask(Context cx) throws Exception {
            var reply = Oneshot.<Long>create();
            long value = cx.random().nextLong();
            boolean answers = cx.chance(80);
            Context own = cx.split();
            cx.spawn(
                    () -> {
                        if (own.chance(50)) {
                            Thread.sleep(0, own.between(0, 300_000));
                        }
                        if (answers) {
                            reply.trySend(value);
                        } else {
                            reply.close();
                        }
                        return null;
                    });
            for (; ; ) {
                try {
                    long got =
                            cx.chance(50)
                                    ? reply.recv()
                                    : reply.recv(Duration.ofNanos(cx.between(1, 200_000)));
                    require(answers && got == value, "wrong reply");
                    return 0;
                } catch (TimeoutException e) {
                    cx.progress().step();
                } catch (ChannelClosedException e) {
                    require(!answers, "a reply was lost");
                    return 0;
                }
            }
        }

        @Override
        void verify() {}
    }
}
