package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.simulation.SimulatedRuntime;
import cloud.avila.avx.simulation.junit.SimulationTest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;

/** Selects, watches and their like while whatever they wait for is closed, cancelled or late. */
class SelectSimulationTest {
    private static Duration aMoment(SimulatedRuntime sim) {
        return Duration.ofMillis(Math.max(0, sim.random().nextInt(6) - 2));
    }

    @SimulationTest(seeds = 300)
    void whatASelectDoesNotTakeIsStillThere(SimulatedRuntime sim) throws Exception {
        var left = Mpsc.<Integer>bounded(1 + sim.random().nextInt(2));
        var right = Mpmc.<Integer>bounded(1 + sim.random().nextInt(2));
        var token = CancellationToken.create();
        var received = new ArrayList<Integer>();
        var sent = new ArrayList<Integer>();
        Sender<Integer> toLeft = left.sender();
        Sender<Integer> toRight = right.sender();
        var senders = new ArrayList<JoinHandle<Boolean>>();
        senders.add(Handle.current().spawn(() -> sendAll(sim, toLeft, 0, sent)));
        senders.add(Handle.current().spawn(() -> sendAll(sim, toRight, 100, sent)));
        Receiver<Integer> fromLeft = left.receiver();
        Receiver<Integer> fromRight = right.receiver();
        JoinHandle<Boolean> canceller =
                Handle.current()
                        .spawn(
                                () -> {
                                    Thread.sleep(aMoment(sim));
                                    return token.cancel();
                                });
        var select =
                Select.<Integer>fair(sim.random().nextInt(1000))
                        .recv(fromLeft, m -> m)
                        .recv(fromRight, m -> m)
                        .after(Duration.ofMillis(2), () -> -1)
                        .onClosed(() -> -2);
        boolean watched = sim.random().nextBoolean();
        if (watched) {
            select.on(token, () -> -3);
        }
        int cancellations = 0;
        for (int m = 0; m != -2 && cancellations < 20; ) {
            try {
                m = sim.random().nextInt(3) == 0 ? select.run(aMoment(sim)) : select.run();
                if (m >= 0) {
                    received.add(m);
                } else if (m == -3) {
                    cancellations++;
                    Thread.sleep(1);
                }
            } catch (TimeoutException e) {
                Thread.sleep(aMoment(sim));
            }
        }
        for (JoinHandle<Boolean> sender : senders) {
            if (cancellations < 20) {
                assertTrue(sender.join());
            } else {
                drain(fromLeft, fromRight, senders, received);
            }
        }
        canceller.join();
        assertEquals(received.size(), new HashSet<>(received).size(), "received twice");
        assertEquals(new HashSet<>(sent), new HashSet<>(received));
        assertEquals(20, received.size());
    }

    private static void drain(
            Receiver<Integer> left,
            Receiver<Integer> right,
            List<JoinHandle<Boolean>> senders,
            List<Integer> received)
            throws InterruptedException {
        while (!senders.stream().allMatch(Future::isDone)) {
            left.tryRecv().message().ifPresent(received::add);
            right.tryRecv().message().ifPresent(received::add);
            Thread.sleep(1);
        }
        for (Receiver<Integer> r : List.of(left, right)) {
            for (RecvResult<Integer> m; (m = r.tryRecv()).message().isPresent(); ) {
                received.add(m.message().orElseThrow());
            }
        }
    }

    private static boolean sendAll(
            SimulatedRuntime sim, Sender<Integer> to, int from, List<Integer> sent)
            throws InterruptedException {
        try (to) {
            for (int i = from; i < from + 10; ) {
                int message = i;
                boolean done =
                        Select.<Boolean>fair()
                                .send(to, message, () -> true)
                                .after(aMoment(sim), () -> false)
                                .run();
                if (done) {
                    sent.add(message);
                    i++;
                }
                if (sim.random().nextInt(4) == 0) {
                    Thread.sleep(aMoment(sim));
                }
            }
        }
        return true;
    }

    @SimulationTest(seeds = 300)
    void selectsThatAreCancelledLeaveMessagesToTheOthers(SimulatedRuntime sim) throws Exception {
        var jobs = Mpmc.<Integer>bounded(2);
        var never = Broadcast.<Integer>create(1);
        var done = new ArrayList<Integer>();
        var workers = new ArrayList<JoinHandle<Boolean>>();
        for (int w = 0; w < 4; w++) {
            Receiver<Integer> mine = jobs.receiver();
            Receiver<Integer> other = never.subscribe();
            workers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        var select =
                                                Select.<Integer>fair()
                                                        .recv(other, m -> m)
                                                        .recv(mine, m -> m, () -> -1);
                                        for (int m; (m = select.run()) >= 0; ) {
                                            done.add(m);
                                        }
                                        return true;
                                    }));
        }
        JoinHandle<Boolean> canceller =
                Handle.current()
                        .spawn(
                                () -> {
                                    for (int w = 0; w < 3; w++) {
                                        Thread.sleep(aMoment(sim));
                                        workers.get(w).cancel();
                                    }
                                    return true;
                                });
        try (Sender<Integer> tx = jobs.sender()) {
            for (int i = 0; i < 12; i++) {
                tx.send(i, Duration.ofSeconds(10));
                if (sim.random().nextInt(3) == 0) {
                    Thread.sleep(aMoment(sim));
                }
            }
        }
        canceller.join();
        assertTrue(workers.getLast().join());
        Thread.sleep(5);
        assertEquals(12, done.size());
        assertEquals(12, new HashSet<>(done).size());
        assertTrue(never.isUnwatched(), "no waiter is left");
    }

    @SimulationTest(seeds = 300)
    void everyReceiverOfAWatchSeesTheLastValue(SimulatedRuntime sim) throws Exception {
        var watch = Watch.of(0);
        var readers = new ArrayList<JoinHandle<Integer>>();
        for (int r = 0; r < 4; r++) {
            var receiver = watch.subscribe();
            readers.add(Handle.current().spawn(() -> lastSeen(sim, receiver)));
        }
        int last = 10;
        for (int i = 1; i <= last; i++) {
            watch.send(i);
            if (sim.random().nextInt(3) == 0) {
                Thread.sleep(aMoment(sim));
            }
        }
        boolean cancelled = sim.random().nextBoolean() && readers.getFirst().cancel();
        watch.close();
        for (JoinHandle<Integer> reader : readers.subList(1, 4)) {
            assertEquals(last, reader.join());
        }
        if (!cancelled) {
            assertEquals(last, readers.getFirst().join());
        }
        watch.awaitNoReceivers(Duration.ofSeconds(1));
        assertTrue(watch.isUnwatched(), "no waiter is left");
    }

    private static int lastSeen(SimulatedRuntime sim, WatchReceiver<Integer> receiver)
            throws InterruptedException {
        int last = 0;
        try (receiver) {
            for (; ; ) {
                switch (sim.random().nextInt(3)) {
                    case 0 -> {
                        int next = receiver.recv();
                        assertTrue(next > last, "old news");
                        last = next;
                    }
                    case 1 -> {
                        if (receiver.changed(aMoment(sim))) {
                            last = receiver.borrow();
                        }
                    }
                    default -> {
                        try {
                            int floor = last;
                            last = receiver.waitFor(n -> n > floor, aMoment(sim));
                        } catch (TimeoutException e) {
                            Thread.sleep(aMoment(sim));
                        }
                    }
                }
            }
        } catch (ChannelClosedException e) {
            return last;
        }
    }

    @SimulationTest(seeds = 300)
    void aOneshotsTwoSidesAgreeWhetherItWasClosed(SimulatedRuntime sim) throws Exception {
        var reply = Oneshot.<String>create();
        JoinHandle<Boolean> working =
                Handle.current()
                        .spawn(
                                () -> {
                                    if (reply.awaitClosed(aMoment(sim))) {
                                        return false;
                                    }
                                    return reply.trySend("reply").isSent();
                                });
        JoinHandle<Boolean> receiver =
                Handle.current()
                        .spawn(
                                () -> {
                                    try (reply) {
                                        return Select.<Boolean>fair()
                                                .recv(reply, r -> true)
                                                .after(aMoment(sim), () -> false)
                                                .run();
                                    }
                                });
        boolean cancelled = sim.random().nextInt(3) == 0 && receiver.cancel();
        boolean sent = working.join();
        Thread.sleep(10);
        if (receiver.state() == Future.State.SUCCESS && receiver.resultNow()) {
            assertTrue(sent);
        } else if (!sent) {
            assertTrue(reply.isClosed() || cancelled);
        }
        assertFalse(receiver.state() == Future.State.FAILED);
    }

    @SimulationTest(seeds = 200)
    void aReceiverOfABroadcastThatIsClosedByAnotherEndsAtOnce(SimulatedRuntime sim)
            throws Exception {
        var bus = Broadcast.<Integer>create(4);
        var receiver = bus.subscribe();
        var seen = new ArrayList<Integer>();
        JoinHandle<Boolean> reading =
                Handle.current()
                        .spawn(
                                () -> {
                                    for (int m : receiver) {
                                        seen.add(m);
                                        Thread.sleep(aMoment(sim));
                                    }
                                    return true;
                                });
        for (int i = 0; i < 4; i++) {
            bus.send(i);
            Thread.sleep(aMoment(sim));
        }
        receiver.close();
        int atClose = seen.size();
        assertTrue(reading.join());
        assertTrue(seen.size() <= atClose + 1, "received after the close");
        assertEquals(0, bus.subscribers());
        assertTrue(bus.isUnwatched());
    }
}
