package cloud.avila.avx.internal.scheduler;

import java.lang.System.Logger.Level;

/** A piece of short work that runs on a worker's own thread. */
final class Job implements Runnable {
    private static final System.Logger LOG = System.getLogger(Job.class.getName());

    private final WorkStealingScheduler scheduler;
    private final Runnable body;

    Job(WorkStealingScheduler scheduler, Runnable body) {
        this.scheduler = scheduler;
        this.body = body;
    }

    @Override
    public void run() {
        boolean failed = true;
        try {
            body.run();
            failed = false;
        } catch (Throwable e) {
            LOG.log(Level.ERROR, describe() + " of runtime \"" + scheduler.name() + "\" failed", e);
        } finally {
            Thread.interrupted(); // the worker's thread goes on to other tasks
            scheduler.ended(failed ? TrackedTask.Ending.FAILED : TrackedTask.Ending.COMPLETED);
        }
    }

    /** The job was never run. */
    void drop() {
        scheduler.ended(TrackedTask.Ending.CANCELLED);
    }

    String describe() {
        return "job " + body.getClass().getName();
    }
}
