package cloud.avila.avx.actuator;

import java.time.Duration;

/** The limits of a task executor, to show them and to change one of them. Thread-safe. */
public interface ExecutorControl {
    /** Stands for a limit that is not set. */
    int UNLIMITED = Integer.MAX_VALUE;

    /**
     * The executor's name.
     *
     * @return the name of its bean
     */
    String name();

    /**
     * How many tasks may run at once.
     *
     * @return 1 or more; {@link #UNLIMITED} without a limit
     */
    int concurrencyLimit();

    /**
     * Changes how many tasks may run at once. With a lower limit, running tasks run on and new ones
     * start when few enough are left. With a higher one, tasks that wait in the executor's queue
     * start at once; a thread that waits for leave to submit goes on when the next task ends.
     *
     * @param limit 1 or more
     * @throws IllegalArgumentException if the limit is out of range
     * @throws UnsupportedOperationException if not {@link #isResizable()}
     */
    void concurrencyLimit(int limit);

    /**
     * Whether the concurrency limit can be changed: an executor that was made without one cannot
     * get one.
     *
     * @return true if it can
     */
    boolean isResizable();

    /**
     * How many tasks may wait for others to end.
     *
     * @return 0 or more; {@link #UNLIMITED} if only the runtime's own queues bound them
     */
    int queueCapacity();

    /**
     * What happens to a task that would exceed the queue's capacity.
     *
     * @return one of {@code abort}, {@code caller-runs}, {@code discard} and {@code discard-oldest}
     */
    String rejectionPolicy();

    /**
     * How urgent the tasks are to the runtime.
     *
     * @return one of {@code interactive}, {@code normal} and {@code background}
     */
    String priority();

    /**
     * How long a task may wait in the queue before it is given up.
     *
     * @return zero if it may wait for ever
     */
    Duration queueTimeout();
}
