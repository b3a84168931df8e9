package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.sys.ProcessorAffinity;

import java.lang.System.Logger.Level;

/** Keeps each worker on a processor of its own, if that is wished. */
final class Placement {
    private static final BoundedLog LOG = new BoundedLog(Placement.class);

    private final int[] processors;

    private Placement(int[] processors) {
        this.processors = processors;
    }

    static Placement of(SchedulerSettings settings) {
        if (!settings.affinity()) {
            return new Placement(new int[0]);
        }
        try {
            return new Placement(ProcessorAffinity.allowed());
        } catch (UnsupportedOperationException e) {
            LOG.log(
                    Level.WARNING,
                    "runtime \"%s\": workers are not bound to processors, as workerAffinity asks: %s"
                            .formatted(settings.name(), e.getMessage()));
            return new Placement(new int[0]);
        }
    }

    /** Binds the calling thread to the processor of a slot. */
    void place(int slot) {
        if (processors.length > 0) {
            int processor = processors[slot % processors.length];
            try {
                ProcessorAffinity.bind(processor);
            } catch (UnsupportedOperationException e) {
                LOG.log(
                        Level.WARNING,
                        "worker %d stays unbound: %s".formatted(slot, e.getMessage()));
            }
        }
    }
}
