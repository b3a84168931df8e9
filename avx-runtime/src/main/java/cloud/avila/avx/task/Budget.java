package cloud.avila.avx.task;

/**
 * How many operations a task may do in one poll. Without it a task whose operations are always
 * ready, such as receiving from a channel that is never empty, would keep its worker from all
 * others.
 *
 * <p>An operation asks {@link #tryConsume()} when it could go on, just before it does. If the
 * answer is no it returns pending and nothing else: the task will be polled again behind those that
 * wait, with a full budget. An operation that has to wait anyway does not ask, so that a task with
 * many waiting operations does not use its budget up on them.
 *
 * <p>Belongs to the polling thread, as its context does.
 */
public interface Budget {
    /** Operations in one poll. */
    int OPERATIONS_PER_POLL = 128;

    /**
     * Takes one operation out of the budget. When none is left, the task is polled again by itself
     * and the forced yield is counted, once a poll, in {@code RuntimeMetrics.budgetForcedYields()}.
     *
     * @return true to go on; false to return {@link Poll#pending()} now
     */
    boolean tryConsume();

    /**
     * What is left.
     *
     * @return operations, from 0 to {@link #OPERATIONS_PER_POLL}
     */
    int remaining();
}
