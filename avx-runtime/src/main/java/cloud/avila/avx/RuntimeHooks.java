package cloud.avila.avx;

import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.internal.scheduler.TaskHooks;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.function.Consumer;

/** What a runtime's user wants to be done around tasks. */
final class RuntimeHooks implements TaskHooks {
    private static final BoundedLog LOG = new BoundedLog(RuntimeHooks.class);
    private static final RuntimeHooks NONE = new RuntimeHooks("", List.of(), UncaughtFailure::log);

    /** The kinds of tasks, for their names; one object of each kind for all tasks of a runtime. */
    record Kind(String name, RuntimeHooks hooks) {}

    final Kind fiber = new Kind("fiber", this);
    final Kind blocking = new Kind("blocking", this);
    final Kind poll = new Kind("poll", this);

    /** Null if there are none. */
    final ContextPropagator @Nullable [] propagators;

    private final String runtime;
    private final Consumer<UncaughtFailure> uncaught;

    RuntimeHooks(
            String runtime,
            List<ContextPropagator> propagators,
            Consumer<UncaughtFailure> uncaught) {
        this.runtime = runtime;
        this.propagators =
                propagators.isEmpty() ? null : propagators.toArray(new ContextPropagator[0]);
        this.uncaught = uncaught;
    }

    static RuntimeHooks of(Scheduler scheduler) {
        return scheduler.hooks() instanceof RuntimeHooks hooks ? hooks : NONE;
    }

    @Override
    public void failed(String task, Throwable failure) {
        try {
            uncaught.accept(new UncaughtFailure(runtime, task, failure));
        } catch (Throwable e) {
            e.addSuppressed(failure);
            LOG.log(
                    Level.ERROR,
                    "the handler of uncaught failures of runtime \"%s\" threw for the failure of %s, which is suppressed here"
                            .formatted(runtime, task),
                    e);
        }
    }
}
