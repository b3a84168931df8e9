package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Oneshot;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.channel.RecvResult;
import cloud.avila.avx.channel.Sender;
import cloud.avila.avx.channel.Watch;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.WakerCell;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/** Cases of {@link EventCase} between poll tasks, which is what Tokio's tasks are. */
final class PollEventCase {
    private static final String PREFIX = "poll-";
    private static final int ROUNDS = 100;
    private static final int REQUESTS = 10_000;

    private PollEventCase() {}

    static boolean has(String id) {
        return id.startsWith(PREFIX);
    }

    static Workload open(String id, String contestant, int workers) {
        Contestant tasks = Contestant.open(contestant, Contestant.Kind.POLL, workers);
        if (id.equals(PREFIX + "oneshot")) {
            return new TimedRuns(id, REQUESTS, tasks, () -> requests(tasks));
        }
        int receivers = Integer.parseInt(id.substring(id.lastIndexOf('-') + 1));
        boolean all = id.startsWith(PREFIX + "broadcast");
        return new TimedRuns(
                id,
                ROUNDS * receivers,
                tasks,
                () -> {
                    if (all) {
                        var channel = Broadcast.<Integer>create(1000);
                        rounds(tasks, channel::subscribe, channel::send, receivers);
                    } else {
                        var channel = Watch.of(-1);
                        rounds(tasks, channel::subscribe, channel::send, receivers);
                    }
                });
    }

    /** Each message is sent when all have received the one before. */
    private static void rounds(
            Spawner spawner, Supplier<Receiver<Integer>> subscribe, IntConsumer send, int receivers)
            throws InterruptedException {
        var tally = new Tally(receivers, receivers * SpawnCase.sumBelow(ROUNDS));
        spawner.spawn(
                () -> {
                    var round = new Round();
                    for (int r = 0; r < receivers; r++) {
                        spawner.spawnFuture(new ReceiveAll(subscribe.get(), round, tally));
                    }
                    spawner.spawnFuture(new SendAll(send, round, receivers));
                });
        tally.await();
    }

    /** How many have not yet received, and who waits for that. */
    private static final class Round {
        final AtomicInteger missing = new AtomicInteger();
        final WakerCell sender = new WakerCell();
    }

    private static final class SendAll implements Future<Boolean> {
        private final IntConsumer send;
        private final Round round;
        private final int receivers;
        private int next;

        SendAll(IntConsumer send, Round round, int receivers) {
            this.send = send;
            this.round = round;
            this.receivers = receivers;
        }

        @Override
        public Poll<Boolean> poll(Context cx) {
            for (; ; ) {
                round.sender.register(cx.waker());
                if (round.missing.get() != 0) {
                    return Poll.pending();
                }
                if (next == ROUNDS) {
                    return Poll.ready(true);
                }
                round.missing.set(receivers);
                send.accept(next++);
            }
        }
    }

    private static final class ReceiveAll implements Future<Boolean> {
        private final Receiver<Integer> receiver;
        private final Round round;
        private final Tally tally;
        private int received;
        private long sum;

        ReceiveAll(Receiver<Integer> receiver, Round round, Tally tally) {
            this.receiver = receiver;
            this.round = round;
            this.tally = tally;
        }

        @Override
        public Poll<Boolean> poll(Context cx) {
            while (received < ROUNDS) {
                if (!(receiver.pollRecv(cx)
                        instanceof Poll.Ready<RecvResult<Integer>>(var result))) {
                    return Poll.pending();
                }
                sum += message(result);
                received++;
                if (round.missing.decrementAndGet() == 0) {
                    round.sender.wake();
                }
            }
            tally.add(sum);
            return Poll.ready(true);
        }
    }

    private static <T> T message(RecvResult<T> result) {
        if (result instanceof RecvResult.Received<T>(T message)) {
            return message;
        }
        throw new IllegalStateException("expected a message, not " + result);
    }

    private record Request(int number, Oneshot<Integer> reply) {}

    /** One task asks, another answers. */
    private static void requests(Spawner spawner) throws InterruptedException {
        var tally = new Tally(1, SpawnCase.sumBelow(REQUESTS));
        var channel = Mpsc.<Request>bounded(16);
        Receiver<Request> requests = channel.receiver();
        spawner.spawnFuture(new Answer(requests));
        spawner.spawnFuture(new Ask(channel.sender(), tally));
        tally.await();
    }

    private record Answer(Receiver<Request> requests) implements Future<Boolean> {
        @Override
        public Poll<Boolean> poll(Context cx) {
            for (; ; ) {
                if (!(requests.pollRecv(cx)
                        instanceof Poll.Ready<RecvResult<Request>>(var result))) {
                    return Poll.pending();
                }
                if (!(result instanceof RecvResult.Received<Request>(Request request))) {
                    return Poll.ready(true);
                }
                request.reply.send(request.number);
            }
        }
    }

    private static final class Ask implements Future<Boolean> {
        private final Sender<Request> sender;
        private final Tally tally;
        private @Nullable Oneshot<Integer> reply;
        private int asked;
        private long sum;

        Ask(Sender<Request> sender, Tally tally) {
            this.sender = sender;
            this.tally = tally;
        }

        @Override
        public Poll<Boolean> poll(Context cx) {
            for (; ; ) {
                Oneshot<Integer> expected = reply;
                if (expected == null) {
                    if (asked == REQUESTS) {
                        sender.close();
                        tally.add(sum);
                        return Poll.ready(true);
                    }
                    expected = Oneshot.create();
                    reply = expected;
                    sender.trySend(new Request(asked++, expected));
                }
                if (!(expected.pollRecv(cx)
                        instanceof Poll.Ready<RecvResult<Integer>>(var result))) {
                    return Poll.pending();
                }
                sum += message(result);
                reply = null;
            }
        }
    }
}
