package cloud.avila.avx.benchmarks.workload;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * The cases of the group {@code latency}: how long it takes from waking a parked fiber until it
 * runs, in microseconds, while 16 fibers keep all workers busy in turns of 10 microseconds. One
 * fiber is woken by those, at the end of a turn, another by a thread outside.
 */
final class WakeUps implements Workload {
    private static final int TASKS = 16;
    private static final long RUN_NANOS = 500_000_000;
    private static final long PAUSE_INSIDE_NANOS = 200_000;
    private static final int LEAST_PAUSE_OUTSIDE_NANOS = 200_000;
    private static final int MOST_PAUSE_OUTSIDE_NANOS = 1_000_000;

    private final String id;
    private final boolean yields;
    private final Contestant contestant;

    WakeUps(String id, String contestant, int workers) {
        yields =
                switch (id) {
                    case "among-yields" -> true;
                    case "among-spawns" -> false;
                    default -> throw new IllegalArgumentException("no case " + id);
                };
        this.id = id;
        this.contestant = Contestant.open(contestant, Contestant.Kind.FIBER, workers);
    }

    @Override
    public List<String> rows() {
        return Stream.of("inside-p50", "inside-p99", "outside-p50", "outside-p99")
                .map(row -> id + "-" + row)
                .toList();
    }

    @Override
    public int leastWarmUpRuns() {
        return 1;
    }

    @Override
    public double[] run() throws InterruptedException {
        var inside = new Sleeper(PAUSE_INSIDE_NANOS);
        var outside = new Sleeper(0);
        contestant.spawn(inside::sleepAndWake);
        contestant.spawn(outside::sleepAndWake);
        try (var _ = Load.start(contestant, TASKS, yields, inside::call)) {
            var random = new SplittableRandom(3);
            long begin = System.nanoTime();
            while (System.nanoTime() - begin < RUN_NANOS) {
                LockSupport.parkNanos(
                        random.nextLong(LEAST_PAUSE_OUTSIDE_NANOS, MOST_PAUSE_OUTSIDE_NANOS));
                outside.call();
            }
        }
        inside.end();
        outside.end();
        return new double[] {
            inside.latencies.micros(0.5),
            inside.latencies.micros(0.99),
            outside.latencies.micros(0.5),
            outside.latencies.micros(0.99)
        };
    }

    @Override
    public void close() {
        contestant.close();
    }

    /** A fiber that parks until it is called and notes how long each call took to arrive. */
    private static final class Sleeper {
        private static final long END = Long.MIN_VALUE;

        final LatencyHistogram latencies = new LatencyHistogram();
        private final long pauseNanos;
        private final Queue<Long> calls = new ConcurrentLinkedQueue<>();
        private final AtomicLong last = new AtomicLong(System.nanoTime());
        private final AtomicLong made = new AtomicLong();
        private final CountDownLatch ended = new CountDownLatch(1);
        private volatile @Nullable Thread thread;

        Sleeper(long pauseNanos) {
            this.pauseNanos = pauseNanos;
        }

        void sleepAndWake() {
            thread = Thread.currentThread();
            for (; ; ) {
                Long call = calls.poll();
                if (call == null) {
                    LockSupport.park(this);
                } else if (call == END) {
                    ended.countDown();
                    return;
                } else {
                    latencies.record(System.nanoTime() - call);
                }
            }
        }

        /** Calls the fiber, unless it was called a moment ago. */
        void call() {
            long now = System.nanoTime();
            long before = last.get();
            if (now - before >= pauseNanos && last.compareAndSet(before, now)) {
                made.getAndIncrement();
                call(now);
            }
        }

        private void call(long what) {
            calls.add(what);
            LockSupport.unpark(thread);
        }

        /** Ends the fiber and checks that it noted each call. */
        void end() throws InterruptedException {
            call(END);
            boolean inTime = ended.await(1, TimeUnit.MINUTES);
            if (!inTime || latencies.count() != made.get() || latencies.count() == 0) {
                throw new IllegalStateException(
                        "called " + made + " times, woke up " + latencies.count() + " times");
            }
        }
    }
}
