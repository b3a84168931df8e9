package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Oneshot;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.channel.Select;
import cloud.avila.avx.channel.Sender;
import cloud.avila.avx.channel.Watch;

import com.softwaremill.jox.Channel;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** The cases of the group {@code channel} in which everybody is told, and replies and selects. */
final class EventCase {
    private static final int ROUNDS = 100;
    private static final int REQUESTS = 10_000;
    private static final int SELECTED = 50_000;

    private EventCase() {}

    static boolean has(String id) {
        return id.startsWith("broadcast-")
                || id.startsWith("watch-")
                || id.equals("oneshot")
                || id.equals("select");
    }

    static Workload open(String id, String contestant, int workers) {
        Contestant fibers = Pipe.Factory.openFibers(contestant, workers);
        return switch (id) {
            case "oneshot" ->
                    new TimedRuns(id, REQUESTS, fibers, () -> requests(fibers, contestant));
            case "select" -> new TimedRuns(id, SELECTED, fibers, () -> selects(fibers, contestant));
            default -> {
                int receivers = Integer.parseInt(id.substring(id.indexOf('-') + 1));
                boolean all = id.startsWith("broadcast");
                yield new TimedRuns(
                        id,
                        ROUNDS * receivers,
                        fibers,
                        () -> rounds(fibers, events(contestant, all), receivers));
            }
        };
    }

    /** A channel that tells everybody. */
    private interface Events {
        Callable<Integer> receiver();

        void send(int message);
    }

    private static Events events(String contestant, boolean all) {
        return switch (contestant) {
            case "avx" -> all ? new AvxBroadcast() : new AvxWatch();
            case "linked-queue" -> new Queues();
            default -> throw new IllegalArgumentException("no events of " + contestant);
        };
    }

    private static final class AvxBroadcast implements Events {
        private final Broadcast<Integer> channel = Broadcast.create(1000);

        @Override
        public Callable<Integer> receiver() {
            return channel.subscribe()::recv;
        }

        @Override
        public void send(int message) {
            channel.send(message);
        }
    }

    private static final class AvxWatch implements Events {
        private final Watch<Integer> channel = Watch.of(-1);

        @Override
        public Callable<Integer> receiver() {
            return channel.subscribe()::recv;
        }

        @Override
        public void send(int message) {
            channel.send(message);
        }
    }

    /** A queue for each receiver, as one would do without such a channel. */
    private static final class Queues implements Events {
        private final List<BlockingQueue<Integer>> queues = new ArrayList<>();

        @Override
        public Callable<Integer> receiver() {
            BlockingQueue<Integer> queue = new LinkedBlockingQueue<>(1000);
            queues.add(queue);
            return queue::take;
        }

        @Override
        public void send(int message) {
            queues.forEach(queue -> queue.add(message));
        }
    }

    /** Each message is sent when all have received the one before. */
    private static void rounds(Spawner spawner, Events events, int receivers)
            throws InterruptedException {
        var tally = new Tally(receivers, receivers * SpawnCase.sumBelow(ROUNDS));
        spawner.spawn(
                () -> {
                    var missing = new AtomicInteger(receivers);
                    Thread sender = Thread.currentThread();
                    for (int r = 0; r < receivers; r++) {
                        Callable<Integer> receiver = events.receiver();
                        spawner.spawn(() -> tally.add(receiveAll(receiver, missing, sender)));
                    }
                    for (int i = 0; i < ROUNDS; i++) {
                        missing.setRelease(receivers);
                        events.send(i);
                        while (missing.get() != 0) {
                            LockSupport.park();
                        }
                    }
                });
        tally.await();
    }

    private static long receiveAll(
            Callable<Integer> receiver, AtomicInteger missing, Thread sender) {
        try {
            long sum = 0;
            for (int i = 0; i < ROUNDS; i++) {
                sum += receiver.call();
                if (missing.decrementAndGet() == 0) {
                    LockSupport.unpark(sender);
                }
            }
            return sum;
        } catch (Exception e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }

    private record Request(int number, Oneshot<Integer> reply) {}

    private record FutureRequest(int number, CompletableFuture<Integer> reply) {}

    /** One fiber asks, another answers. */
    private static void requests(Spawner spawner, String contestant) throws InterruptedException {
        var tally = new Tally(1, SpawnCase.sumBelow(REQUESTS));
        spawner.spawn(
                () -> {
                    try {
                        tally.add(contestant.equals("avx") ? ask(spawner) : askFutures(spawner));
                    } catch (Exception e) {
                        throw new IllegalStateException("interrupted by nobody", e);
                    }
                });
        tally.await();
    }

    private static long ask(Spawner spawner) throws InterruptedException {
        var channel = Mpsc.<Request>bounded(16);
        Receiver<Request> requests = channel.receiver();
        spawner.spawn(() -> requests.forEach(r -> r.reply.send(r.number)));
        long sum = 0;
        try (Sender<Request> sender = channel.sender()) {
            for (int i = 0; i < REQUESTS; i++) {
                var reply = Oneshot.<Integer>create();
                sender.send(new Request(i, reply));
                sum += reply.recv();
            }
        }
        return sum;
    }

    private static long askFutures(Spawner spawner) throws Exception {
        var requests = new LinkedBlockingQueue<FutureRequest>(16);
        spawner.spawn(
                () -> {
                    try {
                        for (int i = 0; i < REQUESTS; i++) {
                            FutureRequest r = requests.take();
                            r.reply.complete(r.number);
                        }
                    } catch (InterruptedException e) {
                        throw new IllegalStateException("interrupted by nobody", e);
                    }
                });
        long sum = 0;
        for (int i = 0; i < REQUESTS; i++) {
            var reply = new CompletableFuture<Integer>();
            requests.put(new FutureRequest(i, reply));
            sum += reply.get();
        }
        return sum;
    }

    /** Two producers and a consumer that selects. */
    private static void selects(Spawner spawner, String contestant) throws InterruptedException {
        int each = SELECTED / 2;
        var tally = new Tally(1, 2 * SpawnCase.sumBelow(each));
        spawner.spawn(
                () -> {
                    try {
                        tally.add(
                                contestant.equals("avx")
                                        ? select(spawner, each)
                                        : selectJox(spawner, each));
                    } catch (InterruptedException e) {
                        throw new IllegalStateException("interrupted by nobody", e);
                    }
                });
        tally.await();
    }

    private static long select(Spawner spawner, int each) throws InterruptedException {
        var select = Select.<Integer>fair();
        for (int c = 0; c < 2; c++) {
            var channel = Mpsc.<Integer>bounded(16);
            select.recv(channel.receiver(), m -> m);
            Sender<Integer> sender = channel.sender();
            spawner.spawn(() -> produce(each, sender::send));
        }
        long sum = 0;
        for (int i = 0; i < 2 * each; i++) {
            sum += select.run();
        }
        return sum;
    }

    private static long selectJox(Spawner spawner, int each) throws InterruptedException {
        Channel<Integer> first = Channel.newBufferedChannel(16);
        Channel<Integer> second = Channel.newBufferedChannel(16);
        spawner.spawn(() -> produce(each, first::send));
        spawner.spawn(() -> produce(each, second::send));
        long sum = 0;
        for (int i = 0; i < 2 * each; i++) {
            sum +=
                    com.softwaremill.jox.Select.select(
                            first.receiveClause(), second.receiveClause());
        }
        return sum;
    }

    @FunctionalInterface
    private interface Sending {
        void send(Integer message) throws InterruptedException;
    }

    private static void produce(int count, Sending to) {
        try {
            for (int i = 0; i < count; i++) {
                to.send(i);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }
}
