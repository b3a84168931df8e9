package cloud.avila.avx.metrics;

import java.util.Locale;

/** What a task was doing when it was looked at. */
public enum TaskState {
    /** It has not started. */
    QUEUED,
    /** It has started, could go on, and waits for a worker; or a poll task to be polled. */
    READY,
    /**
     * It runs on a worker or a thread of the blocking pool. Where the JDK does not let us see which
     * virtual threads are mounted, {@link #READY} tasks are counted here, too.
     */
    RUNNING,
    /** It waits without a limit, or a poll task for its waker. */
    WAITING,
    /** It sleeps, or waits for a limited time. */
    TIMED_WAITING,
    /** It waits to enter a {@code synchronized} block or method. */
    BLOCKED,
    /** It was cancelled and has not begun, or is over but for the books. */
    ENDING;

    /**
     * The state in words.
     *
     * @return for example {@code timed waiting}
     */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
