package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

/** Where a runtime is in its life. */
enum RuntimeState {
    /** Accepts tasks. */
    RUNNING,
    /** Refuses tasks and finishes those it has. */
    CLOSING,
    /** Has ended. */
    CLOSED;

    static RuntimeState of(AvxRuntime runtime) {
        if (runtime.isClosed()) {
            return CLOSED;
        }
        return runtime.isClosing() ? CLOSING : RUNNING;
    }
}
