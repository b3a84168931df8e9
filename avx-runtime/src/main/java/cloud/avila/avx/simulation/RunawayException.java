package cloud.avila.avx.simulation;

import org.jspecify.annotations.Nullable;

/** A simulation took more steps, or more virtual time, than it may. */
public final class RunawayException extends SimulationException {
    private static final long serialVersionUID = 1;

    RunawayException(@Nullable String message) {
        super(message);
    }
}
