package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Crew;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** Signals among real threads that are interrupted and time out at random. */
@Timeout(120)
class SignalsStressTest {
    private static Duration briefly(Random random) {
        return Duration.ofNanos(random.nextInt(50_000));
    }

    /** A queue with one consumer: each message is followed by a notification. */
    @RepeatedTest(3)
    void aConsumerThatIsNotifiedOfEachMessageMissesNone() throws Exception {
        var crew = new Crew("notify-one");
        var notify = new Notify();
        var queue = new ConcurrentLinkedQueue<Integer>();
        var producing = new AtomicInteger(3);
        var put = new AtomicLong();
        var taken = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 3; i++) {
            crew.add(
                    random -> {
                        while (!crew.isOver()) {
                            queue.add(1);
                            put.incrementAndGet();
                            if (random.nextBoolean()) {
                                notify.notifyOne();
                            } else {
                                notify.notifyLast();
                            }
                            if (random.nextInt(50) == 0) {
                                Crew.pause(random.nextInt(100_000));
                            }
                        }
                        producing.decrementAndGet();
                        notify.notifyOne();
                    });
        }
        threads.add(
                crew.add(
                        random -> {
                            while (producing.get() > 0 || !queue.isEmpty()) {
                                if (queue.poll() != null) {
                                    taken.incrementAndGet();
                                    continue;
                                }
                                if (producing.get() == 0) {
                                    continue;
                                }
                                try {
                                    switch (random.nextInt(3)) {
                                        case 0 -> notify.await(briefly(random));
                                        case 1 -> {
                                            try (var ticket = notify.notified()) {
                                                ticket.enable();
                                                if (queue.isEmpty() && producing.get() > 0) {
                                                    ticket.await();
                                                }
                                            }
                                        }
                                        default -> notify.await();
                                    }
                                } catch (InterruptedException e) {
                                    // looks again
                                }
                            }
                        }));
        crew.run(threads);
        assertTrue(put.get() > 0);
        assertEquals(put.get(), taken.get());
    }

    /** Every waiter that has seen an old value is reached by the change of the value. */
    @RepeatedTest(3)
    void ticketsMissNoChange() throws Exception {
        var crew = new Crew("notify-waiters");
        var notify = new Notify();
        var version = new AtomicLong();
        var over = new AtomicBoolean();
        var seen = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 6; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                for (long known = 0; !over.get(); ) {
                                    try (var ticket = notify.notified()) {
                                        if (version.get() == known && !over.get()) {
                                            if (random.nextInt(3) == 0) {
                                                ticket.await(briefly(random));
                                            } else {
                                                ticket.await();
                                            }
                                        }
                                    } catch (InterruptedException e) {
                                        // looks again
                                    }
                                    known = version.get();
                                    seen.incrementAndGet();
                                }
                            }));
        }
        crew.add(
                random -> {
                    while (!crew.isOver()) {
                        version.incrementAndGet();
                        notify.notifyWaiters();
                        if (random.nextInt(4) == 0) {
                            Crew.pause(random.nextInt(100_000));
                        }
                    }
                    over.set(true);
                    notify.notifyWaiters();
                });
        crew.run(threads);
        assertTrue(seen.get() > 0);
        assertEquals("Notify[0 waiting]", notify.toString());
    }

    /** As many notifications as waits that succeed; those who give up lose none. */
    @RepeatedTest(3)
    void noNotificationIsLostOrMade() throws Exception {
        var crew = new Crew("notify-balance");
        var notify = new Notify();
        var waiting = new AtomicInteger();
        var notified = new AtomicLong();
        var sent = new AtomicLong();
        int consumers = 5;
        var left = new AtomicInteger(consumers);
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < consumers; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    waiting.incrementAndGet();
                                    try {
                                        if (notify.await(briefly(random))) {
                                            notified.incrementAndGet();
                                        }
                                    } catch (InterruptedException e) {
                                        // not notified
                                    }
                                    waiting.decrementAndGet();
                                }
                                left.decrementAndGet();
                            }));
        }
        // sends the next only when the one before has arrived, so that no two make one permit
        crew.add(
                random -> {
                    while (left.get() > 0) {
                        if (notified.get() == sent.get()) {
                            sent.incrementAndGet();
                            if (random.nextBoolean()) {
                                notify.notifyOne();
                            } else {
                                notify.notifyLast();
                            }
                        }
                        Thread.onSpinWait();
                    }
                });
        crew.run(threads);
        assertTrue(sent.get() > 0);
        long permit = notify.await(Duration.ZERO) ? 1 : 0;
        assertEquals(sent.get(), notified.get() + permit);
    }

    /** Whatever breaks a barrier: as many get through each time as there are parties. */
    @RepeatedTest(3)
    void allOrNoneGetThroughABarrier() throws Exception {
        var crew = new Crew("barrier");
        int parties = 2 + crew.random().nextInt(2);
        var barrier = new Barrier(parties);
        var through = new AtomicLong();
        var leaders = new AtomicLong();
        var broken = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 6; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    try {
                                        int index =
                                                random.nextInt(4) == 0
                                                        ? barrier.await(briefly(random))
                                                        : barrier.await(Duration.ofMillis(50));
                                        through.incrementAndGet();
                                        if (index == 0) {
                                            leaders.incrementAndGet();
                                        }
                                    } catch (InterruptedException | TimeoutException e) {
                                        broken.incrementAndGet();
                                    } catch (BrokenBarrierException e) {
                                        if (random.nextBoolean()) {
                                            barrier.reset();
                                        }
                                    }
                                }
                            }));
        }
        crew.run(threads);
        assertTrue(leaders.get() > 0);
        assertTrue(broken.get() > 0);
        assertEquals(leaders.get() * parties, through.get());
    }

    /** One maker at a time, one value, and everybody gets it. */
    @RepeatedTest(2)
    void aCellIsMadeByOneAtATime() throws Exception {
        var crew = new Crew("once");
        var made = new ConcurrentLinkedQueue<Made>();
        var current = new AtomicReference<>(new Made());
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 6; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    Made cell = current.get();
                                    try {
                                        Object value = cell.get(random);
                                        assertEquals(value, cell.cell.get());
                                        if (random.nextInt(4) == 0) {
                                            made.add(cell);
                                            current.set(new Made());
                                        }
                                    } catch (InterruptedException
                                            | TimeoutException
                                            | ArithmeticException e) {
                                        // again
                                    }
                                }
                            }));
        }
        crew.run(threads);
        assertFalse(made.isEmpty());
        for (Made cell : made) {
            assertEquals(1, cell.successes);
        }
    }

    /** A cell that knows who makes its value. */
    private static final class Made {
        final OnceCell<Object> cell = new OnceCell<>();
        private final AtomicInteger making = new AtomicInteger();
        private int successes; // the cell's own order is what makes this plain field safe

        Object get(Random random) throws InterruptedException, TimeoutException {
            return random.nextBoolean()
                    ? cell.getOrInit(() -> make(random))
                    : cell.getOrInit(() -> make(random), briefly(random));
        }

        private Object make(Random random) throws InterruptedException {
            assertEquals(1, making.incrementAndGet(), "two make it at once");
            try {
                if (random.nextInt(3) == 0) {
                    throw new ArithmeticException("not this time");
                }
                if (random.nextInt(3) == 0) {
                    Thread.sleep(0, random.nextInt(20_000));
                }
                successes++;
                return new Object();
            } finally {
                making.decrementAndGet();
            }
        }
    }

    /** Never more permits than burst and rate allow, and nobody waits for ever. */
    @RepeatedTest(3)
    void aRateLimiterKeepsToItsRate() throws Exception {
        var crew = new Crew("rate-limiter");
        int burst = 5 + crew.random().nextInt(20);
        long perSecond = 20_000;
        long begin = System.nanoTime();
        var limiter = RateLimiter.of(perSecond, Duration.ofSeconds(1), burst);
        var taken = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 6; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    int n = 1 + random.nextInt(5);
                                    try {
                                        boolean got =
                                                switch (random.nextInt(3)) {
                                                    case 0 -> limiter.tryAcquire(n);
                                                    case 1 ->
                                                            limiter.tryAcquire(n, briefly(random));
                                                    default -> {
                                                        limiter.acquire(n);
                                                        yield true;
                                                    }
                                                };
                                        taken.addAndGet(got ? n : 0);
                                    } catch (InterruptedException e) {
                                        // nothing was taken
                                    }
                                }
                            }));
        }
        crew.run(threads);
        double seconds = (System.nanoTime() - begin) / 1e9;
        assertTrue(taken.get() > burst);
        assertTrue(
                taken.get() <= burst + perSecond * seconds,
                taken + " permits in " + seconds + " s, with a burst of " + burst);
        limiter.acquire(burst);
    }
}
