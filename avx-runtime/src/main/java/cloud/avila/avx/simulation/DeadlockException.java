package cloud.avila.avx.simulation;

import org.jspecify.annotations.Nullable;

/** Nothing can go on and no timer is set, but what was to be run has not ended. */
public final class DeadlockException extends SimulationException {
    private static final long serialVersionUID = 1;

    DeadlockException(@Nullable String message) {
        super(message);
    }
}
