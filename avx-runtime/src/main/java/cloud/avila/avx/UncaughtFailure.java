package cloud.avila.avx;

import cloud.avila.avx.internal.log.BoundedLog;

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
    private static final BoundedLog LOG = new BoundedLog(UncaughtFailure.class);

    /**
     * Writes the failure to the log, as an error; what happens if no other handler is set. Of many
     * failures in a short time, not all are written: 50 at once and one each second after them,
     * with the number of those left out. The metrics count all.
     */
    public void log() {
        LOG.log(
                Level.ERROR,
                () ->
                        "%s of runtime \"%s\" failed, and nobody asked how it ended"
                                .formatted(task, runtime),
                cause);
    }
}
