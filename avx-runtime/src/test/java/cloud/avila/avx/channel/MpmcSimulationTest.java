package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.simulation.SimulatedRuntime;
import cloud.avila.avx.simulation.junit.SimulationTest;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Poll;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;

/**
 * Every pair of what can happen at a channel at the same time: sending, reserving, receiving,
 * running out of time, being cancelled, closing. Nothing sent is lost or received twice, and what
 * is left over takes no place.
 */
class MpmcSimulationTest {
    private static final int MEMBERS = 3;
    private static final int EACH = 5;

    private static Duration aMoment(SimulatedRuntime sim) {
        return Duration.ofMillis(Math.max(0, sim.random().nextInt(6) - 2));
    }

    /** Sends a message in one way or another; what is sent for certain is noted. */
    private static void sendSomehow(
            SimulatedRuntime sim,
            Sender<Integer> tx,
            int message,
            boolean places,
            List<Integer> sent)
            throws InterruptedException {
        switch (sim.random().nextInt(places ? 5 : 3)) {
            case 0 -> {
                tx.send(message);
                sent.add(message);
            }
            case 1 -> {
                if (tx.trySend(message).isSent()) {
                    sent.add(message);
                }
            }
            case 2 -> {
                try {
                    tx.send(message, aMoment(sim));
                    sent.add(message);
                } catch (TimeoutException e) {
                    Thread.sleep(1);
                }
            }
            case 3 -> {
                try (var permit = tx.reserve(aMoment(sim))) {
                    Thread.sleep(aMoment(sim));
                    if (sim.random().nextBoolean()) {
                        permit.send(message);
                        sent.add(message);
                    }
                } catch (TimeoutException e) {
                    Thread.sleep(1);
                }
            }
            default -> {
                try (var permit = tx.reserve()) {
                    permit.send(message);
                    sent.add(message);
                }
            }
        }
    }

    private static void receiveSomehow(
            SimulatedRuntime sim, Receiver<Integer> rx, List<Integer> received)
            throws InterruptedException {
        switch (sim.random().nextInt(4)) {
            case 0 -> received.add(rx.recv());
            case 1 -> {
                try {
                    received.add(rx.recv(aMoment(sim)));
                } catch (TimeoutException e) {
                    Thread.sleep(1);
                }
            }
            case 2 -> rx.recvMany(received, 2);
            default -> {
                rx.tryRecv().message().ifPresent(received::add);
                Thread.sleep(1);
                if (rx.isClosed()) {
                    received.add(rx.recv());
                }
            }
        }
    }

    private static boolean send(
            SimulatedRuntime sim,
            Sender<Integer> tx,
            int number,
            boolean places,
            List<Integer> sent)
            throws InterruptedException {
        try (tx) {
            for (int i = 0; i < EACH; i++) {
                sendSomehow(sim, tx, number * EACH + i, places, sent);
            }
        } catch (ChannelClosedException e) {
            return false;
        }
        return true;
    }

    private static boolean receive(
            SimulatedRuntime sim, Receiver<Integer> rx, List<Integer> received)
            throws InterruptedException {
        try (rx) {
            for (; ; ) {
                receiveSomehow(sim, rx, received);
            }
        } catch (ChannelClosedException e) {
            return true;
        }
    }

    @SimulationTest(seeds = 400)
    void whatIsSentIsReceivedOnce(SimulatedRuntime sim) throws Exception {
        int capacity = sim.random().nextInt(4);
        Mpmc<Integer> channel = Mpmc.of(MpmcQueue.bounded(capacity, 2, -1));
        var sent = new ArrayList<Integer>();
        var received = new ArrayList<Integer>();
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        var ends = new ArrayList<AutoCloseable>();
        SharedReceiver<Integer> last = channel.receiver();
        var senders = new ArrayList<Sender<Integer>>();
        var receivers = new ArrayList<SharedReceiver<Integer>>();
        for (int i = 0; i < MEMBERS; i++) {
            senders.add(channel.sender());
            receivers.add(channel.receiver());
            ends.add(senders.getLast());
            ends.add(receivers.getLast());
        }
        for (int i = 0; i < MEMBERS; i++) {
            int number = i;
            Sender<Integer> tx = senders.get(i);
            SharedReceiver<Integer> rx = receivers.get(i);
            fibers.add(
                    Handle.current()
                            .spawn("tx " + i, () -> send(sim, tx, number, capacity > 0, sent)));
            fibers.add(Handle.current().spawn("rx " + i, () -> receive(sim, rx, received)));
        }
        Thread.sleep(aMoment(sim));
        boolean cancelsReceiver = sim.random().nextBoolean();
        int victim = 2 * sim.random().nextInt(MEMBERS) + (cancelsReceiver ? 1 : 0);
        fibers.get(victim).cancel();
        if (sim.random().nextInt(3) == 0) {
            ends.get(2 * sim.random().nextInt(MEMBERS) + 1).close();
        }
        Thread.sleep(10);
        ends.get(victim).close(); // it may never have begun
        for (RecvResult<Integer> next; ; ) {
            next = last.tryRecv();
            next.message().ifPresent(received::add);
            if (next instanceof RecvResult.Closed) {
                break;
            }
            Thread.sleep(1);
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            Thread.sleep(1);
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        assertEquals(received.size(), new HashSet<>(received).size(), "received twice");
        var lost = new HashSet<>(sent);
        received.forEach(lost::remove);
        // what a fiber or task had in its hands when it was cancelled
        assertTrue(lost.size() <= (cancelsReceiver ? 2 : 0), () -> "lost " + lost);
        var unknown = new HashSet<>(received);
        sent.forEach(unknown::remove);
        assertTrue(unknown.size() <= (cancelsReceiver ? 0 : 1), () -> "never sent " + unknown);
        assertEquals(0, channel.length());
    }

    /** Receives by polling until the end. */
    private static final class ReceiveAll implements cloud.avila.avx.task.Future<Boolean> {
        private final Receiver<Integer> rx;
        private final List<Integer> received;

        ReceiveAll(Receiver<Integer> rx, List<Integer> received) {
            this.rx = rx;
            this.received = received;
        }

        @Override
        public Poll<Boolean> poll(Context cx) {
            for (; ; ) {
                switch (rx.pollRecv(cx)) {
                    case Poll.Pending<RecvResult<Integer>> p -> {
                        return Poll.pending();
                    }
                    case Poll.Ready<RecvResult<Integer>>(RecvResult.Received<Integer>(Integer m)) ->
                            received.add(m);
                    case Poll.Ready<RecvResult<Integer>> end -> {
                        return Poll.ready(true);
                    }
                }
            }
        }
    }

    @SimulationTest(seeds = 200)
    void pollTasksReceiveAmongFibersThatSend(SimulatedRuntime sim) throws Exception {
        var received = new ArrayList<Integer>();
        var sent = new ArrayList<Integer>();
        var senders = new ArrayList<Sender<Integer>>();
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        if (sim.random().nextBoolean()) {
            Mpsc<Integer> channel = sim.random().nextBoolean() ? Mpsc.unbounded() : Mpsc.bounded(2);
            for (int i = 0; i < MEMBERS; i++) {
                senders.add(channel.sender());
            }
            fibers.add(Handle.current().spawnFuture(new ReceiveAll(channel.receiver(), received)));
        } else {
            Mpmc<Integer> channel = Mpmc.bounded(2);
            for (int i = 0; i < MEMBERS; i++) {
                senders.add(channel.sender());
            }
            for (int i = 0; i < 2; i++) {
                fibers.add(
                        Handle.current().spawnFuture(new ReceiveAll(channel.receiver(), received)));
            }
        }
        for (int i = 0; i < MEMBERS; i++) {
            int number = i;
            Sender<Integer> tx = senders.get(i);
            fibers.add(Handle.current().spawn(() -> send(sim, tx, number, true, sent)));
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
        sent.sort(null);
        received.sort(null);
        assertEquals(sent, received);
    }

    @SimulationTest(seeds = 300)
    void whoGivesUpLeavesNoPlaceTaken(SimulatedRuntime sim) throws Exception {
        int capacity = 1 + sim.random().nextInt(3);
        Mpmc<Integer> channel = Mpmc.of(MpmcQueue.bounded(capacity, 2, 0));
        Sender<Integer> tx = channel.sender();
        SharedReceiver<Integer> rx = channel.receiver();
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        var ignored = new ArrayList<Integer>();
        for (int i = 0; i < MEMBERS; i++) {
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        for (int n = 0; n < EACH; n++) {
                                            sendSomehow(sim, tx, n, true, ignored);
                                        }
                                        return true;
                                    }));
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        for (int n = 0; n < EACH; n++) {
                                            receiveSomehow(sim, rx, ignored);
                                        }
                                        return true;
                                    }));
        }
        Thread.sleep(aMoment(sim));
        for (JoinHandle<Boolean> fiber : fibers) {
            Thread.sleep(aMoment(sim));
            fiber.cancel();
        }
        Thread.sleep(100);
        while (rx.tryRecv().message().isPresent()) {
            Thread.sleep(1); // tasks that nobody cancelled still send
        }
        for (int i = 0; i < EACH; i++) {
            while (tx.trySend(i).isSent()) {
                Thread.onSpinWait();
            }
            Thread.sleep(1); // tasks that nobody cancelled still receive
        }
        assertEquals(capacity, channel.length());
    }
}
