package cloud.avila.avx.simulation;

import org.jspecify.annotations.Nullable;

/**
 * A simulation could not come to its end. The message says why, and lists every live fiber: its
 * name, state, what it waits on, and its stack.
 */
public class SimulationException extends RuntimeException {
    private static final long serialVersionUID = 1;

    SimulationException(@Nullable String message) {
        super(message);
    }
}
