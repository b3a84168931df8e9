package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import cloud.avila.avx.metrics.LockMetrics;
import cloud.avila.avx.sync.Mutex;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

class LockMeterBinderTest {
    private final MeterRegistry registry = new SimpleMeterRegistry();

    @Test
    void publishesWhatIsWaitedForALock() {
        var locks = new CopyOnWriteArrayList<LockMetrics>();
        var binder = new LockMeterBinder(() -> List.copyOf(locks));
        binder.bindTo(registry);
        assertThat(registry.get("avx.locks").gauge().value()).isZero();
        assertThat(registry.find("avx.lock.waits").meters()).isEmpty();
        locks.add(
                new LockMetrics(
                        "Mutex", "routes", 40, 5, Duration.ofMillis(10), Duration.ofMillis(4)));
        for (int i = 0; registry.get("avx.locks").gauge().value() == 0 && i < 1_000; i++) {
            sleep();
        }
        assertThat(registry.get("avx.locks").gauge().value()).isEqualTo(1);
        var search = registry.get("avx.lock.waits").tags("kind", "Mutex", "lock", "routes");
        assertThat(search.functionCounter().count()).isEqualTo(40);
        assertThat(registry.get("avx.lock.wait.time").functionCounter().count())
                .isEqualTo(0.08, within(1e-9));
        assertThat(registry.get("avx.lock.wait.longest").gauge().value())
                .isEqualTo(0.004, within(1e-9));
        assertThat(binder).isNotNull(); // meters hold it weakly
    }

    @Test
    void findsRealLocks() throws InterruptedException {
        var binder = new LockMeterBinder();
        binder.bindTo(registry);
        var lock = new Mutex("LockMeterBinderTest");
        lock.lock();
        Thread waiter =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    lock.lock();
                                    lock.unlock();
                                });
        while (waiter.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        lock.unlock();
        waiter.join();
        for (int i = 0; i < 1_000 && !isPublished(); i++) {
            sleep();
        }
        assertThat(
                        registry.get("avx.lock.waits")
                                .tags("kind", "Mutex", "lock", "LockMeterBinderTest")
                                .functionCounter()
                                .count())
                .isEqualTo(1);
        assertThat(binder).isNotNull();
    }

    private boolean isPublished() {
        return registry.get("avx.locks").gauge().value() > 0
                && !registry.find("avx.lock.waits")
                        .tags("lock", "LockMeterBinderTest")
                        .meters()
                        .isEmpty();
    }

    private static void sleep() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
