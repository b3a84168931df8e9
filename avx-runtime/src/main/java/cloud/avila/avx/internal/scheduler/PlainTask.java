package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.FutureTask;

/** A future of the runtime's own on the blocking pool. */
final class PlainTask extends TrackedTask {
    private final long id;
    private final FutureTask<?> future;
    private volatile @Nullable Thread thread;

    PlainTask(long id, FutureTask<?> future) {
        this.id = id;
        this.future = future;
    }

    @Override
    protected void runTask() {
        thread = Thread.currentThread();
        future.run();
        thread = null;
    }

    @Override
    protected Ending ending() {
        return switch (future.state()) {
            case SUCCESS -> Ending.COMPLETED;
            case CANCELLED -> Ending.CANCELLED;
            case FAILED, RUNNING -> Ending.FAILED;
        };
    }

    @Override
    protected void cancelOnShutdown() {
        future.cancel(true);
    }

    @Override
    protected long id() {
        return id;
    }

    @Override
    protected Stage stage() {
        return future.isDone() ? Stage.ENDED : thread == null ? Stage.QUEUED : Stage.STARTED;
    }

    @Override
    protected @Nullable Thread thread() {
        return thread;
    }

    @Override
    protected String displayName() {
        return "blocking call of the runtime";
    }
}
