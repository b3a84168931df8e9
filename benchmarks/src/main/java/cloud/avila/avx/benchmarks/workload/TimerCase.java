package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.time.Timeout;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntConsumer;

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
                Contestant fibers = Contestant.open(contestant, Contestant.Kind.FIBER, workers);
                Limited limited = contestant.equals("avx") ? TimerCase::avx : TimerCase::jdk;
                yield new TimedRuns(id, TIMEOUTS, fibers, () -> timeouts(fibers, limited));
            }
            case "fiber-sleep" -> {
                Contestant fibers = Contestant.open(contestant, Contestant.Kind.FIBER, workers);
                yield new TimedRuns(id, SLEEPS, fibers, () -> sleeps(fibers));
            }
            default -> throw new IllegalArgumentException("no case " + id);
        };
    }

    /** Timers that are set and cancelled by many tasks, on the threads of the contestant. */
    private abstract static class Many<T> implements Workload {
        private static final int CHUNK = 10_000;

        final Timers<T> timers;
        final int count;
        final long[] delays;
        final SplittableRandom random = new SplittableRandom(1);

        Many(Timers<T> timers, int count, long least, long most) {
            this.timers = timers;
            this.count = count;
            this.delays = random.longs(count, least, most).toArray();
        }

        /** Does something for each number below count; returns the time it took for one. */
        final double each(IntConsumer action) throws InterruptedException {
            var chunks = new CountDownLatch(count / CHUNK);
            long begin = System.nanoTime();
            for (int from = 0; from < count; from += CHUNK) {
                int first = from;
                timers.execute(
                        () -> {
                            for (int i = first; i < first + CHUNK; i++) {
                                action.accept(i);
                            }
                            chunks.countDown();
                        });
            }
            if (!chunks.await(1, TimeUnit.MINUTES)) {
                throw new IllegalStateException(chunks.getCount() + " tasks have not ended");
            }
            return (double) (System.nanoTime() - begin) / count;
        }

        @Override
        public int leastWarmUpRuns() {
            return 1;
        }

        @Override
        public void close() {
            timers.close();
        }
    }

    /** Sets timers that are due in an hour or two, then cancels them in another order. */
    private static final class Pending<T> extends Many<T> {
        private final int[] order;

        Pending(Timers<T> timers, int count) {
            super(timers, count, HOUR, 2 * HOUR);
            order = new int[count];
            for (int i = 0; i < count; i++) {
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
        public double[] run() throws InterruptedException {
            var fired = new AtomicLong();
            var cancelled = new LongAdder();
            var pending = new AtomicReferenceArray<T>(count);
            double schedule =
                    each(
                            i ->
                                    pending.setPlain(
                                            i, timers.schedule(fired::getAndIncrement, delays[i])));
            double cancel =
                    each(
                            i -> {
                                if (timers.cancel(pending.getPlain(order[i]))) {
                                    cancelled.increment();
                                }
                            });
            if (cancelled.sum() != count || fired.get() != 0) {
                throw new IllegalStateException(
                        "of %d timers due in an hour, %d could be cancelled and %d fired"
                                .formatted(count, cancelled.sum(), fired.get()));
            }
            return new double[] {schedule, cancel};
        }
    }

    /** Sets timers that are due within the next 10 ms and waits for all of them. */
    private static final class Firing<T> extends Many<T> {
        Firing(Timers<T> timers, int count) {
            super(timers, count, 0, FIRE_WITHIN);
        }

        @Override
        public List<String> rows() {
            return List.of("fire");
        }

        @Override
        public double[] run() throws InterruptedException {
            var tally = new Tally(count, SpawnCase.sumBelow(count));
            long begin = System.nanoTime();
            each(i -> timers.schedule(() -> tally.add(i), delays[i]));
            tally.await();
            return new double[] {(double) (System.nanoTime() - begin) / count};
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
