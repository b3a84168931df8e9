package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.FutureTask;

/** A future of the runtime's own on the blocking pool. */
final class PlainTask extends TrackedTask {
    private final FutureTask<?> future;
    private volatile @Nullable Thread thread;

    PlainTask(FutureTask<?> future) {
        this.future = future;
    }

    @Override
    protected void runTask() {
        thread = Thread.currentThread();
        future.run();
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
    protected @Nullable Thread thread() {
        return thread;
    }

    @Override
    protected String displayName() {
        return "blocking call of the runtime";
    }
}
