package cloud.avila.avx.actuator;

import cloud.avila.avx.metrics.LatencyHistogram;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Snapshots in which every number is another one, so that no two can be mixed up. */
final class Samples {
    private Samples() {}

    static RuntimeMetrics runtime(WorkerState... states) {
        return runtime("epoll", states);
    }

    static RuntimeMetrics runtime(String driver, WorkerState... states) {
        return runtime(driver, states.length, states);
    }

    static RuntimeMetrics runtime(int activeWorkers, WorkerState... states) {
        return runtime("epoll", activeWorkers, states);
    }

    private static RuntimeMetrics runtime(String driver, int activeWorkers, WorkerState... states) {
        List<WorkerMetrics> workers = new ArrayList<>();
        for (int i = 0; i < states.length; i++) {
            workers.add(fill(WorkerMetrics.class, 1000 * (i + 1), i, states[i]));
        }
        List<SocketMetrics> sockets = new ArrayList<>();
        for (SocketKind kind : SocketKind.values()) {
            sockets.add(fill(SocketMetrics.class, 100_000 * (kind.ordinal() + 1), kind));
        }
        return fill(RuntimeMetrics.class, 100, workers, driver, sockets, activeWorkers);
    }

    private static LatencyHistogram histogram(long micros) {
        long[] counts = new long[LatencyHistogram.BUCKETS];
        counts[LatencyHistogram.bucketOf(micros * 1_000)] = 99;
        counts[LatencyHistogram.bucketOf(micros * 1_000_000)] = 1;
        return new LatencyHistogram(counts);
    }

    /** Numbers in the order of the components, starting with the given one. */
    private static <R extends Record> R fill(Class<R> type, int first, Object... special) {
        RecordComponent[] components = type.getRecordComponents();
        Object[] values = new Object[components.length];
        for (int i = 0; i < values.length; i++) {
            String name = components[i].getName();
            Class<?> c = components[i].getType();
            long number = first + i;
            if (name.equals("index") || name.equals("kind")) {
                values[i] = special[0];
            } else if (c == WorkerState.class) {
                values[i] = special[1];
            } else if (name.equals("workers")) {
                values[i] = special[0];
            } else if (name.equals("sockets")) {
                values[i] = special[2];
            } else if (name.equals("activeWorkers")) {
                values[i] = special[3];
            } else if (name.equals("driver")) {
                values[i] = special[1];
            } else if (name.equals("fibers")) {
                values[i] = "workers-opened";
            } else if (c == String.class) {
                values[i] = name;
            } else if (c == Duration.class) {
                values[i] = Duration.ofSeconds(number);
            } else if (c == LatencyHistogram.class) {
                values[i] = histogram(number);
            } else if (c == int.class) {
                values[i] = (int) number;
            } else {
                values[i] = number;
            }
        }
        try {
            return type.getDeclaredConstructor(
                            Arrays.stream(components)
                                    .map(RecordComponent::getType)
                                    .toArray(Class<?>[]::new))
                    .newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }
}
