package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

/** A task that does nothing, to be put on the books. */
final class DummyTask extends TrackedTask {
    @Override
    protected void runTask() {}

    @Override
    protected Ending ending() {
        return Ending.COMPLETED;
    }

    @Override
    protected void cancelOnShutdown() {}

    @Override
    protected long id() {
        return 0;
    }

    @Override
    protected Stage stage() {
        return Stage.QUEUED;
    }

    @Override
    protected @Nullable Thread thread() {
        return null;
    }

    @Override
    protected String displayName() {
        return "dummy";
    }
}
