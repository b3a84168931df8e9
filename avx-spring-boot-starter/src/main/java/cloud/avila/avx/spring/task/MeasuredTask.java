package cloud.avila.avx.spring.task;

import cloud.avila.avx.actuator.TaskTimings;

import org.jspecify.annotations.Nullable;

/** A task that measures its own times, from when it is made. */
final class MeasuredTask implements Runnable {
    private final Runnable task;
    private final TaskTimings timings;
    private final long submitted = System.nanoTime();

    MeasuredTask(Runnable task, TaskTimings timings) {
        this.task = task;
        this.timings = timings;
    }

    @Override
    public void run() {
        long started = System.nanoTime();
        Throwable failure = null;
        try {
            task.run();
        } catch (Throwable e) {
            failure = e;
            throw e;
        } finally {
            timings.ended(
                    SubmittedTask.writtenIn(type()),
                    started - submitted,
                    System.nanoTime() - started,
                    failureOf(failure));
        }
    }

    private Class<?> type() {
        return task instanceof SubmittedTask s ? s.type() : task.getClass();
    }

    private @Nullable Throwable failureOf(@Nullable Throwable thrown) {
        return thrown == null && task instanceof SubmittedTask s ? s.failure() : thrown;
    }

    @Override
    public String toString() {
        return task.toString();
    }
}
