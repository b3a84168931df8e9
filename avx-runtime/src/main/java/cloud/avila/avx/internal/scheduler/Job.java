package cloud.avila.avx.internal.scheduler;

/** A piece of short work that runs on a worker's own thread. */
final class Job implements Runnable {
    private final WorkStealingScheduler scheduler;
    private final Runnable body;
    private boolean failed;

    Job(WorkStealingScheduler scheduler, Runnable body) {
        this.scheduler = scheduler;
        this.body = body;
    }

    /** Runs it; the worker counts it afterwards, inside its slot again. */
    @Override
    public void run() {
        try {
            body.run();
        } catch (Throwable e) {
            failed = true;
            scheduler.hooks().failed(describe(), e);
        } finally {
            Thread.interrupted(); // the worker's thread goes on to other tasks
        }
    }

    /** How it ended; asked after {@link #run}. */
    TrackedTask.Ending ending() {
        return failed ? TrackedTask.Ending.FAILED : TrackedTask.Ending.COMPLETED;
    }

    /** The job was never run. */
    void drop() {
        scheduler.ended(TrackedTask.Ending.CANCELLED);
    }

    String describe() {
        Runnable named = body instanceof TaskHooks.Wrapper w ? w.wrapped() : body;
        return "job " + named.getClass().getName();
    }
}
