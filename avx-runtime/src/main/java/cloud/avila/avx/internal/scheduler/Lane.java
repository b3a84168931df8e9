package cloud.avila.avx.internal.scheduler;

/** How urgent a task is. */
public enum Lane {
    /** Before all others. */
    INTERACTIVE,
    /** The usual. */
    NORMAL,
    /** When there is nothing else to do, or it has waited for long. */
    BACKGROUND
}
