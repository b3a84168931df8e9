package cloud.avila.avx.task;

/**
 * What belongs to one poll. Used by the polling thread, until the poll returns; of all this only
 * the waker may be kept.
 */
public interface Context {
    /**
     * What has the polled task polled again. The same object in every poll of a task.
     *
     * @return the waker
     */
    Waker waker();

    /**
     * How much the task may still do in this poll.
     *
     * @return the budget, shared by all futures of the task
     */
    Budget budget();

    /**
     * Has the task polled again behind the tasks that wait now; the poll then returns pending. The
     * cheap way for a future to give way, where waking its own waker would do the same at the price
     * of an atomic operation.
     */
    void pollAgain();

    /**
     * A context with a full budget, to poll a future by hand, in a test or in a driver of one's
     * own.
     *
     * @param waker what it hands out; {@link #pollAgain()} and an exhausted budget wake it at once
     * @return a new context for one poll
     */
    static Context of(Waker waker) {
        return new ManualContext(waker);
    }
}
