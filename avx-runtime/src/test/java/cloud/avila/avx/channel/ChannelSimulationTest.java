package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** Messages whose senders and receivers are cancelled, time out and close at any moment. */
class ChannelSimulationTest {
    private static final int SENDERS = 3;
    private static final int EACH = 5;

    private record Message(int sender, int number) {}

    private static Duration aMoment(SimulatedRuntime sim) {
        return Duration.ofMillis(Math.max(0, sim.random().nextInt(6) - 2));
    }

    /** Sends, and returns what was sent for certain; what it was just sending may have been too. */
    private static boolean send(
            SimulatedRuntime sim, Sender<Message> sender, int number, List<Message> sent)
            throws InterruptedException {
        try (sender) {
            for (int i = 0; i < EACH; i++) {
                var message = new Message(number, i);
                switch (sim.random().nextInt(3)) {
                    case 0 -> {
                        sender.send(message);
                        sent.add(message);
                    }
                    case 1 -> {
                        if (sender.trySend(message).isSent()) {
                            sent.add(message);
                        }
                    }
                    default -> {
                        try {
                            sender.send(message, aMoment(sim));
                            sent.add(message);
                        } catch (TimeoutException e) {
                            Thread.sleep(1);
                        }
                    }
                }
            }
        }
        return true;
    }

    @SimulationTest(seeds = 300)
    void whatIsSentIsReceivedOnceAndInTheOrderOfEachSender(SimulatedRuntime sim) throws Exception {
        var channel = Mpsc.<Message>bounded(1 + sim.random().nextInt(3));
        var sent = new ArrayList<Message>();
        var senders = new ArrayList<Sender<Message>>();
        for (int s = 0; s < SENDERS; s++) {
            senders.add(channel.sender());
        }
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (int s = 0; s < SENDERS; s++) {
            int number = s;
            Sender<Message> sender = senders.get(s);
            fibers.add(
                    Handle.current().spawn("sender " + s, () -> send(sim, sender, number, sent)));
        }
        JoinHandle<Boolean> canceller =
                Handle.current()
                        .spawn(
                                () -> {
                                    Thread.sleep(aMoment(sim));
                                    boolean cancelled = fibers.getFirst().cancel();
                                    Thread.sleep(1_000);
                                    senders.getFirst().close(); // it may never have begun
                                    return cancelled;
                                });
        var received = new ArrayList<Message>();
        try (Receiver<Message> receiver = channel.receiver()) {
            for (boolean open = true; open; ) {
                try {
                    received.add(receiver.recv(Duration.ofMillis(1 + sim.random().nextInt(3))));
                } catch (TimeoutException e) {
                    Thread.sleep(aMoment(sim));
                } catch (ChannelClosedException e) {
                    open = false;
                }
            }
        }
        canceller.join();
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        assertEquals(received.size(), new HashSet<>(received).size(), "received twice");
        assertEquals(new HashSet<>(sent), new HashSet<>(received));
        for (int s = 0; s < SENDERS; s++) {
            int number = s;
            List<Integer> numbers =
                    received.stream().filter(m -> m.sender == number).map(Message::number).toList();
            assertEquals(numbers.stream().sorted().toList(), numbers, "out of order");
        }
    }

    @SimulationTest(seeds = 300)
    void closingTheReceiverGivesWaitingSendersTheirMessageBack(SimulatedRuntime sim)
            throws Exception {
        var channel = Mpsc.<Integer>bounded(1);
        var returned = new ArrayList<Integer>();
        var accepted = new ArrayList<Integer>();
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        var senders = new ArrayList<Sender<Integer>>();
        for (int i = 0; i < 4; i++) {
            senders.add(channel.sender());
        }
        for (int i = 0; i < 4; i++) {
            int message = i;
            Sender<Integer> sender = senders.get(i);
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        try (sender) {
                                            sender.send(message);
                                            accepted.add(message);
                                        } catch (ChannelClosedException e) {
                                            returned.add((Integer) e.undelivered().orElseThrow());
                                        }
                                        return true;
                                    }));
        }
        Receiver<Integer> receiver = channel.receiver();
        Thread.sleep(aMoment(sim));
        var received = new ArrayList<Integer>();
        received.add(receiver.recv());
        receiver.close();
        for (RecvResult<Integer> next; (next = receiver.tryRecv()).message().isPresent(); ) {
            received.add(next.message().orElseThrow());
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
        for (RecvResult<Integer> next; (next = receiver.tryRecv()).message().isPresent(); ) {
            received.add(next.message().orElseThrow());
        }
        assertEquals(4, returned.size() + accepted.size());
        assertEquals(new HashSet<>(accepted), new HashSet<>(received));
    }

    @SimulationTest(seeds = 300)
    void everyReceiverOfABroadcastGetsOrMissesEachMessage(SimulatedRuntime sim) throws Exception {
        var bus = Broadcast.<Integer>create(4);
        var fibers = new ArrayList<JoinHandle<Long>>();
        for (int r = 0; r < 3; r++) {
            Receiver<Integer> receiver = bus.subscribe();
            fibers.add(Handle.current().spawn("receiver " + r, () -> receiveAll(sim, receiver)));
        }
        var senders = new ArrayList<JoinHandle<Boolean>>();
        for (int s = 0; s < 2; s++) {
            senders.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        for (int i = 0; i < 10; i++) {
                                            bus.send(i);
                                            Thread.sleep(aMoment(sim));
                                        }
                                        return true;
                                    }));
        }
        for (JoinHandle<Boolean> sender : senders) {
            assertTrue(sender.join());
        }
        bus.close();
        for (JoinHandle<Long> fiber : fibers) {
            assertEquals(20L, fiber.join());
        }
    }

    private static long receiveAll(SimulatedRuntime sim, Receiver<Integer> receiver)
            throws InterruptedException {
        long seen = 0;
        try (receiver) {
            for (; ; ) {
                try {
                    receiver.recv(Duration.ofMillis(1 + sim.random().nextInt(3)));
                    seen++;
                    Thread.sleep(aMoment(sim));
                } catch (LaggedException e) {
                    seen += e.missed();
                } catch (TimeoutException e) {
                    Thread.sleep(aMoment(sim));
                } catch (ChannelClosedException e) {
                    return seen;
                }
            }
        }
    }

    @SimulationTest(seeds = 300)
    void aOneshotIsEitherReceivedOrKnownToBeClosed(SimulatedRuntime sim) throws Exception {
        var reply = Oneshot.<String>create();
        JoinHandle<SendResult> sender =
                Handle.current()
                        .spawn(
                                () -> {
                                    Thread.sleep(2);
                                    return reply.trySend("reply");
                                });
        JoinHandle<String> receiver =
                Handle.current()
                        .spawn(
                                () -> {
                                    try (reply) {
                                        return reply.recv(Duration.ofMillis(2));
                                    } catch (TimeoutException e) {
                                        return "late";
                                    }
                                });
        if (sim.random().nextInt(3) == 0) {
            Thread.sleep(2);
            receiver.cancel();
        }
        SendResult sent = sender.join();
        Thread.sleep(10);
        switch (receiver.state()) {
            case SUCCESS -> {
                if (!sent.isSent()) {
                    assertEquals("late", receiver.resultNow());
                } else if (receiver.resultNow().equals("late")) {
                    // sent after the time was over and before the channel was closed
                    assertEquals("reply", reply.tryRecv().message().orElseThrow());
                }
            }
            case CANCELLED -> assertTrue(reply.isClosed() || sent.isSent());
            default -> assertEquals(null, receiver.exceptionNow());
        }
    }

    @SimulationTest(seeds = 200)
    void aOneshotThatIsClosedWakesItsReceiver(SimulatedRuntime sim) throws Exception {
        var reply = Oneshot.<String>create();
        JoinHandle<String> receiver = Handle.current().spawn(reply::recv);
        Thread.sleep(aMoment(sim));
        reply.close();
        var e = assertThrows(Exception.class, receiver::join);
        assertInstanceOf(ChannelClosedException.class, e.getCause());
    }
}
