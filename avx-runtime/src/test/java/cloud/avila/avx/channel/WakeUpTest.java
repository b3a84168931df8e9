package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.atomic.AtomicFlag;
import cloud.avila.avx.sync.Semaphore;
import cloud.avila.avx.testing.Crew;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;

/**
 * Two threads that take turns, each going to sleep while the other is about to wake it. A wake-up
 * that is lost once shows as a hang. The model checker covers the narrow windows; this covers the
 * real scheduler.
 */
@Timeout(120)
class WakeUpTest {
    private interface Turns {
        void first(int round) throws Exception;

        void second(int round) throws Exception;
    }

    private static void play(String name, Turns turns) throws Exception {
        var crew = new Crew(name);
        int[] rounds = new int[1];
        crew.add(
                random -> {
                    int n = 0;
                    for (; !crew.isOver(); n++) {
                        turns.first(n);
                    }
                    rounds[0] = n;
                    turns.first(-1);
                });
        crew.add(
                random -> {
                    for (int n = 0; n >= 0; n++) {
                        try {
                            turns.second(n);
                        } catch (ChannelClosedException e) {
                            return;
                        }
                    }
                });
        crew.run(List.of());
        System.out.println("[stress] " + name + " took " + rounds[0] + " turns");
    }

    @Test
    void ofAReceiver() throws Exception {
        var there = Mpsc.<Integer>unbounded();
        var back = Mpsc.<Integer>unbounded();
        var toSecond = there.sender();
        var toFirst = back.sender();
        var ofFirst = back.receiver();
        var ofSecond = there.receiver();
        play(
                "receiver",
                new Turns() {
                    @Override
                    public void first(int round) throws Exception {
                        if (round < 0) {
                            toSecond.close();
                            return;
                        }
                        toSecond.send(round);
                        assertEquals(round, ofFirst.recv());
                    }

                    @Override
                    public void second(int round) throws Exception {
                        toFirst.send(ofSecond.recv());
                    }
                });
    }

    @Test
    void ofASender() throws Exception {
        var channel = Mpsc.<Integer>bounded(1);
        var tx = channel.sender();
        var rx = channel.receiver();
        play(
                "sender",
                new Turns() {
                    @Override
                    public void first(int round) throws Exception {
                        if (round < 0) {
                            tx.close();
                            return;
                        }
                        tx.send(round);
                    }

                    @Override
                    public void second(int round) throws Exception {
                        assertEquals(round, rx.recv());
                    }
                });
    }

    @Test
    void ofABroadcastReceiver() throws Exception {
        var there = Broadcast.<Integer>create(2);
        var back = Broadcast.<Integer>create(2);
        var ofFirst = back.subscribe();
        var ofSecond = there.subscribe();
        play(
                "broadcast-receiver",
                new Turns() {
                    @Override
                    public void first(int round) throws Exception {
                        if (round < 0) {
                            there.close();
                            return;
                        }
                        there.send(round);
                        assertEquals(round, ofFirst.recv());
                    }

                    @Override
                    public void second(int round) throws Exception {
                        back.send(ofSecond.recv());
                    }
                });
    }

    @Test
    void ofAOneshot() throws Exception {
        var requests = Mpsc.<Oneshot<Integer>>bounded(1);
        var tx = requests.sender();
        var rx = requests.receiver();
        play(
                "oneshot-receiver",
                new Turns() {
                    @Override
                    public void first(int round) throws Exception {
                        if (round < 0) {
                            tx.close();
                            return;
                        }
                        var reply = Oneshot.<Integer>create();
                        tx.send(reply);
                        assertEquals(round, reply.recv());
                    }

                    @Override
                    public void second(int round) throws Exception {
                        rx.recv().send(round);
                    }
                });
    }

    @Test
    void ofASemaphore() throws Exception {
        var there = new Semaphore(0);
        var back = new Semaphore(0);
        var end = new AtomicFlag();
        play(
                "semaphore-waiter",
                new Turns() {
                    @Override
                    public void first(int round) throws Exception {
                        if (round < 0) {
                            end.set();
                        }
                        there.release();
                        back.acquire();
                    }

                    @Override
                    public void second(int round) throws Exception {
                        there.acquire();
                        boolean last = end.isSet(); // it may be set for the next turn soon
                        back.release();
                        if (last) {
                            throw new ChannelClosedException("the end of the turns");
                        }
                    }
                });
    }

    @Test
    void ofAFlag() throws Exception {
        var turn = new AtomicFlag();
        var end = new AtomicFlag();
        play(
                "flag-waiter",
                new Turns() {
                    @Override
                    public void first(int round) throws Exception {
                        if (round < 0) {
                            end.set();
                        }
                        turn.set();
                        turn.awaitClear();
                    }

                    @Override
                    public void second(int round) throws Exception {
                        turn.awaitSet();
                        boolean last = end.isSet();
                        turn.clear();
                        if (last) {
                            throw new ChannelClosedException("the end of the turns");
                        }
                    }
                });
    }
}
