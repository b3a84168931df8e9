package cloud.avila.avx.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for a stress test, virtual and platform ones mixed, with an agitator that interrupts them
 * at random. Prints its seed; {@code -Davx.seed=...} repeats one, {@code -Davx.stress.millis=...}
 * sets how long a test runs. When they do not end in time, the test fails with all their stacks.
 */
public final class Crew {
    private static final long MILLIS = Long.getLong("avx.stress.millis", 700);
    private static final long BEGIN_SECONDS = 10;
    private static final long HANG_SECONDS = 60;

    private final long seed;
    private final String name;
    private final List<Thread> threads = new ArrayList<>();
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger begun = new AtomicInteger();
    private volatile long end;
    private volatile boolean timed;
    private volatile boolean agitating = true;

    /** A crew whose random numbers come from a printed seed. */
    public Crew(String name) {
        this.name = name;
        this.seed = Long.getLong("avx.seed", System.nanoTime());
        System.out.println("[stress] " + name + " -Davx.seed=" + seed);
    }

    /** What a member does, with random numbers of its own. */
    public interface Work {
        /** Works. */
        void run(Random random) throws Exception;
    }

    /** Random numbers for setting up. */
    public Random random() {
        return new Random(seed);
    }

    /** Whether the time of the test, which starts when all members have begun, is over. */
    public boolean isOver() {
        return timed && System.nanoTime() - end >= 0;
    }

    /** Adds a member, every second one on a platform thread. */
    public Thread add(Work work) {
        int n = threads.size();
        var random = new Random(seed + n);
        Runnable body =
                () -> {
                    begun.incrementAndGet();
                    try {
                        work.run(random);
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                };
        Thread t =
                (n & 1) == 0
                        ? Thread.ofVirtual().name(name + "-" + n).unstarted(body)
                        : Thread.ofPlatform().name(name + "-" + n).daemon().unstarted(body);
        threads.add(t);
        return t;
    }

    /** Starts all, interrupts those given now and then, and waits for all to end. */
    public void run(List<Thread> interrupted) throws InterruptedException {
        threads.forEach(Thread::start);
        awaitBegun();
        end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MILLIS);
        timed = true;
        var random = new Random(~seed);
        var agitator =
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    while (agitating && !interrupted.isEmpty()) {
                                        interrupted
                                                .get(random.nextInt(interrupted.size()))
                                                .interrupt();
                                        pause(random.nextInt(200_000));
                                    }
                                });
        try {
            long hang = System.nanoTime() + TimeUnit.SECONDS.toNanos(HANG_SECONDS);
            for (Thread t : threads) {
                long left = Math.max(1, TimeUnit.NANOSECONDS.toMillis(hang - System.nanoTime()));
                t.join(left);
                if (t.isAlive()) {
                    throw hung();
                }
            }
        } finally {
            agitating = false;
            agitator.join();
        }
        if (!failures.isEmpty()) {
            var e = new AssertionError(name + " failed with seed " + seed);
            failures.forEach(e::addSuppressed);
            throw e;
        }
    }

    /** For a while: virtual members that spin can keep others of their kind from beginning. */
    private void awaitBegun() throws InterruptedException {
        long start = System.nanoTime();
        while (begun.get() < threads.size()
                && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(BEGIN_SECONDS)) {
            Thread.sleep(1);
        }
    }

    private AssertionError hung() {
        var e = new AssertionError(name + " hangs with seed " + seed);
        failures.forEach(e::addSuppressed);
        for (Thread t : threads) {
            if (t.isAlive()) {
                var stack = new Throwable(t + " " + t.getState());
                stack.setStackTrace(t.getStackTrace());
                e.addSuppressed(stack);
            }
        }
        return e;
    }

    /** Sleeps or spins a little. */
    public static void pause(long nanos) {
        try {
            Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
