package cloud.avila.avx.internal.park;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.sys.AddressWait;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;

class AddressParkerTest {
    private final AddressParker parker = new AddressParker(AddressWait.open());

    @Test
    void noWakeUpIsLostBetweenTwoThreadsThatTakeTurns() throws Exception {
        int turns = 20_000;
        var turn = new AtomicInteger();
        var threads = new Thread[2];
        for (int i = 0; i < 2; i++) {
            int me = i;
            threads[i] =
                    new Thread(
                            () -> {
                                for (int t = me; t < turns; t += 2) {
                                    while (turn.get() != t) {
                                        parker.park(this, false, 0);
                                    }
                                    turn.set(t + 1);
                                    parker.unpark(threads[1 - me]);
                                }
                            });
        }
        threads[0].start();
        threads[1].start();
        for (Thread thread : threads) {
            thread.join(60_000);
        }
        assertEquals(turns, turn.get());
    }

    @Test
    void interruptsEndParksAtAnyMoment() throws Exception {
        var ended = new AtomicInteger();
        var sleeper =
                new Thread(
                        () -> {
                            for (int i = 0; i < 2_000; i++) {
                                while (!Thread.currentThread().isInterrupted()) {
                                    parker.park(this, false, 0);
                                }
                                Thread.interrupted();
                                ended.incrementAndGet();
                            }
                        });
        sleeper.start();
        for (int i = 0; i < 2_000; i++) {
            sleeper.interrupt();
            long end = System.nanoTime() + 60_000_000_000L;
            while (ended.get() <= i && System.nanoTime() - end < 0) {
                Thread.onSpinWait();
            }
        }
        sleeper.join(60_000);
        assertEquals(2_000, ended.get());
    }

    @Test
    void aTimedParkSleepsUntilItsTime() {
        long deadline = System.nanoTime() + 100_000_000;
        int returns = 0;
        while (System.nanoTime() - deadline < 0) {
            parker.park(this, true, deadline);
            returns++;
        }
        assertTrue(returns < 50, "returned " + returns + " times in 100 ms");
        parker.park(this, true, Long.MIN_VALUE); // long past, returns
    }

    @Test
    void threadsThatHaveEndedLeaveNothing() throws Exception {
        for (int round = 0; round < 20; round++) {
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < 50; i++) {
                var thread = new Thread(() -> parker.park(this, true, System.nanoTime() + 1_000));
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertTrue(parker.cells() <= 200, () -> parker.cells() + " cells of 1000 threads");
    }
}
