package cloud.avila.avx.metrics;

/** The kinds of task that are tracked; jobs are only counted. */
public enum TaskKind {
    /** On a virtual thread. */
    FIBER("fiber"),
    /** In steps on the workers' own threads. */
    POLL_TASK("poll task"),
    /** On a thread of the blocking pool. */
    BLOCKING("blocking task");

    private final String label;

    TaskKind(String label) {
        this.label = label;
    }

    /**
     * The kind in words.
     *
     * @return for example {@code poll task}
     */
    public String label() {
        return label;
    }
}
