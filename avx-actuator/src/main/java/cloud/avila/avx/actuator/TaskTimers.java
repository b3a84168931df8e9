package cloud.avila.avx.actuator;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Times the tasks of one executor with Micrometer: {@code avx.executor.wait} from submission to
 * start and {@code avx.executor.run} from start to end, with the executor's name and the class of
 * the task as tags.
 *
 * <p>The number of classes is bounded: those seen first have tags of their own, all others share
 * {@code other}. Both timers have buckets from 0.1 ms to 10 s, so that they add up over instances;
 * {@code management.metrics.distribution.*} changes them as those of any timer. Recording happens
 * inside the task's trace, so a registry that keeps exemplars finds the span.
 */
public final class TaskTimers implements TaskTimings {
    /** The tag of tasks whose class has none of its own. */
    static final String OTHER = "other";

    /** Three in each decade: enough for a heat map and a percentile, few enough for each class. */
    private static final Duration[] BUCKETS = {
        Duration.ofNanos(100_000),
        Duration.ofNanos(250_000),
        Duration.ofNanos(500_000),
        Duration.ofMillis(1),
        Duration.ofNanos(2_500_000),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofMillis(2_500),
        Duration.ofSeconds(5),
        Duration.ofSeconds(10)
    };

    private final MeterRegistry registry;
    private final String executor;
    private final int maxClasses;
    private final ConcurrentHashMap<Class<?>, OfClass> classes = new ConcurrentHashMap<>();
    private final AtomicInteger free;
    private volatile @Nullable OfClass others;

    /**
     * Creates the timers of an executor.
     *
     * @param registry where to publish them
     * @param executor the executor's name, the value of the tag {@code name}
     * @param maxClasses how many classes of tasks have tags of their own, 0 to 1000
     * @throws IllegalArgumentException if that is out of range
     */
    public TaskTimers(MeterRegistry registry, String executor, int maxClasses) {
        if (maxClasses < 0 || maxClasses > 1000) {
            throw new IllegalArgumentException(
                    "the number of task classes must be between 0 and 1000, but is " + maxClasses);
        }
        this.registry = registry;
        this.executor = executor;
        this.maxClasses = maxClasses;
        this.free = new AtomicInteger(maxClasses);
    }

    @Override
    public void ended(Class<?> task, long waitedNanos, long ranNanos, @Nullable Throwable failure) {
        OfClass timers = classes.get(task);
        if (timers == null) {
            timers = timersOf(task);
        }
        timers.wait.record(waitedNanos, TimeUnit.NANOSECONDS);
        (failure == null ? timers.success : timers.error()).record(ranNanos, TimeUnit.NANOSECONDS);
    }

    private OfClass timersOf(Class<?> task) {
        if (free.get() > 0) {
            OfClass made =
                    classes.computeIfAbsent(
                            task,
                            type ->
                                    free.getAndDecrement() > 0
                                            ? new OfClass(type.getName())
                                            : null);
            if (made != null) {
                return made;
            }
        }
        OfClass shared = others;
        if (shared == null) { // made twice at worst, and then of the same meters
            shared = new OfClass(OTHER);
            others = shared;
        }
        return shared;
    }

    private final class OfClass {
        private final Tags tags;
        private final Timer wait;
        private final Timer success;
        private volatile @Nullable Timer error;

        OfClass(String task) {
            tags = Tags.of(MeterKey.NAME.asString(), executor, MeterKey.TASK.asString(), task);
            wait = timer(TaskMeters.WAIT, tags);
            success = timer(TaskMeters.RUN, tags.and(MeterKey.OUTCOME.asString(), "success"));
        }

        /** Made when a task fails, as most never do. */
        Timer error() {
            Timer made = error;
            if (made == null) {
                made = timer(TaskMeters.RUN, tags.and(MeterKey.OUTCOME.asString(), "error"));
                error = made;
            }
            return made;
        }
    }

    private Timer timer(TaskMeters meter, Tags tags) {
        return Timer.builder(meter.getName())
                .description(meter.description())
                .tags(tags)
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
    }

    @Override
    public String toString() {
        return "TaskTimers[" + executor + ", " + classes.size() + " of " + maxClasses + " classes]";
    }
}
