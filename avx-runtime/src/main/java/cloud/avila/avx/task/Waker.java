package cloud.avila.avx.task;

/**
 * Has a task polled again. Thread-safe: any thread may wake, at any time, as often as it likes.
 *
 * <p>A wake-up before or during a poll leads to another poll; several may share one. Waking a task
 * that has ended does nothing. What a thread did before the wake-up happens-before the poll that
 * follows it. Waking never blocks, and never polls on the calling thread.
 *
 * <p>A waker keeps its task reachable. Who has woken a task drops its waker: the next poll hands
 * out another, or the same.
 */
@FunctionalInterface
public interface Waker {
    /** Has the task polled again. */
    void wake();

    /**
     * The same as {@link #wake()}. In Rust the one uses the waker up and the other does not; in
     * Java neither does, and both names are there for code that is carried over.
     */
    default void wakeByRef() {
        wake();
    }

    /**
     * Whether waking the other would wake the same task, so that one of the two is enough. False
     * only means that it is not known.
     *
     * @param other another waker
     * @return true if both wake the same
     */
    default boolean willWake(Waker other) {
        return this == other;
    }
}
