package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.time.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** The cases of the group {@code timer}. */
final class TimerCase {
    private static final int TIMERS = 1_000_000;
    private static final long HOUR = 3_600_000_000_000L;
    private static final long FIRE_WITHIN = 10_000_000;

    private static final int TIMEOUTS = 100_000;
    private static final int TIMEOUT_FIBERS = 8;

    private static final int SLEEPS = 100_000;
    private static final int SLEEPING_FIBERS = 10_000;

    private TimerCase() {}

    static Workload open(String id, String contestant, int workers) {
        return open(id, contestant, workers, TIMERS);
    }

    static Workload open(String id, String contestant, int workers, int count) {
        return switch (id) {
            case "pending" -> new Pending<>(Timers.open(contestant, workers), count);
            case "fire" -> new Firing<>(Timers.open(contestant, workers), count);
            case "fiber-timeout" -> {
                Contestant fibers = Contestant.open(contestant, false, workers);
                Limited limited = contestant.equals("avx") ? TimerCase::avx : TimerCase::jdk;
                yield new TimedRuns(id, TIMEOUTS, fibers, () -> timeouts(fibers, limited));
            }
            case "fiber-sleep" -> {
                Contestant fibers = Contestant.open(contestant, false, workers);
                yield new TimedRuns(id, SLEEPS, fibers, () -> sleeps(fibers));
            }
            default -> throw new IllegalArgumentException("no case " + id);
        };
    }

    /** Sets a million timers that are due in an hour or two, then cancels them in another order. */
    private static final class Pending<T> implements Workload {
        private final Timers<T> timers;
        private final int count;
        private final long[] delays;
        private final int[] order;

        Pending(Timers<T> timers, int count) {
            this.timers = timers;
            this.count = count;
            delays = new long[count];
            order = new int[count];
            var random = new SplittableRandom(1);
            for (int i = 0; i < count; i++) {
                delays[i] = HOUR + random.nextLong(HOUR);
                int other = random.nextInt(i + 1);
                order[i] = order[other];
                order[other] = i;
            }
        }

        @Override
        public List<String> rows() {
            return List.of("schedule", "cancel");
        }

        @Override
        public int leastWarmUpRuns() {
            return 1;
        }

        @Override
        public double[] run() {
            var fired = new AtomicLong();
            List<T> pending = new ArrayList<>(count);
            long begin = System.nanoTime();
            for (long delay : delays) {
                pending.add(timers.schedule(fired::getAndIncrement, delay));
            }
            long scheduled = System.nanoTime();
            int cancelled = 0;
            for (int i : order) {
                if (timers.cancel(pending.get(i))) {
                    cancelled++;
                }
            }
            long end = System.nanoTime();
            if (cancelled != count || fired.get() != 0) {
                throw new IllegalStateException(
                        "of %d timers due in an hour, %d could be cancelled and %d fired"
                                .formatted(count, cancelled, fired.get()));
            }
            return new double[] {
                (double) (scheduled - begin) / count, (double) (end - scheduled) / count
            };
        }

        @Override
        public void close() {
            timers.close();
        }
    }

    /** Sets a million timers that are due within the next 10 ms and waits for all of them. */
    private static final class Firing<T> implements Workload {
        private final Timers<T> timers;
        private final int count;

        Firing(Timers<T> timers, int count) {
            this.timers = timers;
            this.count = count;
        }

        @Override
        public List<String> rows() {
            return List.of("fire");
        }

        @Override
        public int leastWarmUpRuns() {
            return 1;
        }

        @Override
        public double[] run() throws InterruptedException {
            var tally = new Tally(count, SpawnCase.sumBelow(count));
            var random = new SplittableRandom(2);
            long begin = System.nanoTime();
            for (int i = 0; i < count; i++) {
                int number = i;
                timers.schedule(() -> tally.add(number), random.nextLong(FIRE_WITHIN));
            }
            tally.await();
            return new double[] {(double) (System.nanoTime() - begin) / count};
        }

        @Override
        public void close() {
            timers.close();
        }
    }

    /** Runs something short under a timeout of a second, which never comes. */
    @FunctionalInterface
    private interface Limited {
        int call(int value) throws Exception;
    }

    private static int avx(int value) throws Exception {
        return Timeout.call(Duration.ofSeconds(1), () -> value);
    }

    private static int jdk(int value) {
        var future = new CompletableFuture<Integer>().orTimeout(1, TimeUnit.SECONDS);
        future.complete(value);
        return future.join();
    }

    private static void timeouts(Spawner fibers, Limited limited) throws InterruptedException {
        int each = TIMEOUTS / TIMEOUT_FIBERS;
        var tally = new Tally(TIMEOUT_FIBERS, TIMEOUT_FIBERS * SpawnCase.sumBelow(each));
        for (int f = 0; f < TIMEOUT_FIBERS; f++) {
            fibers.spawn(
                    () -> {
                        long sum = 0;
                        for (int i = 0; i < each; i++) {
                            try {
                                sum += limited.call(i);
                            } catch (Exception e) {
                                throw new IllegalStateException("no reason to fail", e);
                            }
                        }
                        tally.add(sum);
                    });
        }
        tally.await();
    }

    private static void sleeps(Spawner fibers) throws InterruptedException {
        int each = SLEEPS / SLEEPING_FIBERS;
        var tally = new Tally(SLEEPING_FIBERS, SLEEPS);
        for (int f = 0; f < SLEEPING_FIBERS; f++) {
            fibers.spawn(
                    () -> {
                        int done = 0;
                        try {
                            while (done < each) {
                                Thread.sleep(1);
                                done++;
                            }
                        } catch (InterruptedException e) {
                            throw new IllegalStateException("interrupted by nobody", e);
                        }
                        tally.add(done);
                    });
        }
        tally.await();
    }
}
