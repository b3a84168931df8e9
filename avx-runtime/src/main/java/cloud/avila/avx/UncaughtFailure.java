package cloud.avila.avx;

import java.lang.System.Logger.Level;

/**
 * The failure of a task that nobody asks for, see {@link
 * RuntimeConfig.Builder#uncaughtFailureHandler}.
 *
 * @param runtime the name of the runtime
 * @param task the name of the task; for a job, that of its class
 * @param cause what the task threw
 */
public record UncaughtFailure(String runtime, String task, Throwable cause) {
    /** Writes the failure to the log, as an error; what happens if no other handler is set. */
    public void log() {
        System.getLogger(UncaughtFailure.class.getName())
                .log(
                        Level.ERROR,
                        "%s of runtime \"%s\" failed, and nobody asked how it ended"
                                .formatted(task, runtime),
                        cause);
    }
}
