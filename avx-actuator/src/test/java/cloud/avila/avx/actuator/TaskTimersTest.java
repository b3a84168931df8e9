package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

class TaskTimersTest {
    private static final long MILLI = 1_000_000;

    private final MeterRegistry registry = new SimpleMeterRegistry();

    private Timer timer(String name, String... tags) {
        return registry.get(name).tags("name", "orders").tags(tags).timer();
    }

    @Test
    void timesWaitingAndRunningByClassAndOutcome() {
        var timers = new TaskTimers(registry, "orders", 20);
        timers.ended(String.class, 3 * MILLI, 40 * MILLI, null);
        timers.ended(String.class, 3 * MILLI, 60 * MILLI, new IllegalStateException());
        Timer wait = timer("avx.executor.wait", "task", "java.lang.String");
        assertThat(wait.count()).isEqualTo(2);
        assertThat(wait.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(6);
        Timer run = timer("avx.executor.run", "task", "java.lang.String", "outcome", "success");
        assertThat(run.count()).isEqualTo(1);
        assertThat(run.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(40);
        Timer failed = timer("avx.executor.run", "task", "java.lang.String", "outcome", "error");
        assertThat(failed.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(60);
    }

    @Test
    void hasBucketsThatSpreadFromATenthOfAMillisecondToTenSeconds() {
        var timers = new TaskTimers(registry, "orders", 20);
        timers.ended(String.class, 0, 40 * MILLI, null);
        CountAtBucket[] buckets =
                timer("avx.executor.run", "task", "java.lang.String")
                        .takeSnapshot()
                        .histogramCounts();
        assertThat(buckets).hasSize(16);
        assertThat(buckets[0].bucket(TimeUnit.MICROSECONDS)).isEqualTo(100);
        assertThat(buckets[15].bucket(TimeUnit.SECONDS)).isEqualTo(10);
        List<Double> holding =
                Arrays.stream(buckets)
                        .filter(bucket -> bucket.count() == 1)
                        .map(bucket -> bucket.bucket(TimeUnit.MILLISECONDS))
                        .toList();
        assertThat(holding.getFirst()).isEqualTo(50);
    }

    @Test
    void classesBeyondTheBoundShareATag() {
        var timers = new TaskTimers(registry, "orders", 2);
        List<Class<?>> types =
                List.of(String.class, Long.class, Integer.class, String.class, Short.class);
        types.forEach(type -> timers.ended(type, 1, 1, null));
        assertThat(timer("avx.executor.wait", "task", "java.lang.String").count()).isEqualTo(2);
        assertThat(timer("avx.executor.wait", "task", "java.lang.Long").count()).isEqualTo(1);
        assertThat(timer("avx.executor.wait", "task", "other").count()).isEqualTo(2);
        assertThat(registry.find("avx.executor.wait").meters()).hasSize(3);
    }

    @Test
    void withNoClassesEverythingIsOther() {
        var timers = new TaskTimers(registry, "orders", 0);
        timers.ended(String.class, 1, 1, null);
        timers.ended(Long.class, 1, 1, new IllegalStateException());
        assertThat(timer("avx.executor.wait").count()).isEqualTo(2);
        assertThat(timer("avx.executor.wait", "task", "other").count()).isEqualTo(2);
    }

    @Test
    void theBoundHoldsWhenManyThreadsMeetNewClassesAtOnce() throws Exception {
        Class<?>[] types = {
            String.class, Long.class, Integer.class, Short.class, Byte.class,
            Character.class, Double.class, Float.class, Object.class, Thread.class
        };
        for (int round = 0; round < 200; round++) {
            MeterRegistry own = new SimpleMeterRegistry();
            var timers = new TaskTimers(own, "orders", 4);
            var go = new CountDownLatch(1);
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < 4; i++) {
                int first = i;
                threads.add(
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            try {
                                                go.await();
                                            } catch (InterruptedException e) {
                                                throw new AssertionError(e);
                                            }
                                            for (int k = 0; k < types.length; k++) {
                                                Class<?> type =
                                                        types[(first * 3 + k) % types.length];
                                                timers.ended(type, 1, 1, null);
                                            }
                                        }));
            }
            go.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
            List<Timer> all = own.find("avx.executor.wait").timers().stream().toList();
            assertThat(all).hasSize(5);
            assertThat(all.stream().mapToLong(Timer::count).sum()).isEqualTo(4L * types.length);
        }
    }

    @Test
    void refusesABoundOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TaskTimers(registry, "orders", 1001))
                .withMessage("the number of task classes must be between 0 and 1000, but is 1001");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TaskTimers(registry, "orders", -1));
    }
}
