package cloud.avila.avx;

import cloud.avila.avx.internal.scheduler.Lane;

/**
 * How urgent a task is, see {@link Handle#withPriority}. It counts whenever the task is ready to
 * run: when it starts, and each time it goes on after waiting.
 */
public enum Priority {
    /**
     * Goes first. After 16 interactive tasks in a row a worker runs one of normal priority, so they
     * cannot keep normal work out.
     */
    INTERACTIVE(Lane.INTERACTIVE),
    /** The usual priority. */
    NORMAL(Lane.NORMAL),
    /**
     * Goes when a worker finds nothing else to do. So that it is not kept out for ever, one
     * background task runs at least every 10 ms, as long as some worker runs tasks that take less.
     */
    BACKGROUND(Lane.BACKGROUND);

    private final Lane lane;

    Priority(Lane lane) {
        this.lane = lane;
    }

    Lane lane() {
        return lane;
    }
}
