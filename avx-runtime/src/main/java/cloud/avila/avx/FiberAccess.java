package cloud.avila.avx;

/** How a runtime gets its fibers onto its own workers. */
public enum FiberAccess {
    /**
     * Own workers if the JDK lets us: first through {@code --add-opens
     * java.base/java.lang=ALL-UNNAMED} or the manifest's {@code Add-Opens}, then through {@code
     * sun.misc.Unsafe} (the JDK prints a warning), else as {@link #JDK}.
     */
    AUTO,

    /**
     * Own workers, and only if {@code java.lang} is opened by a flag or the manifest; else the
     * runtime does not start. For who wants neither {@code sun.misc.Unsafe} nor the JDK's
     * scheduler.
     */
    OPENED_ONLY,

    /**
     * Fibers run on the JDK's own virtual-thread scheduler; jobs, timers and sockets stay on AVX.
     */
    JDK
}
