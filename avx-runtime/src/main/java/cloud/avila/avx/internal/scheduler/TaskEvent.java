package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.metrics.TaskKind;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

import org.jspecify.annotations.Nullable;

/** A task, from its start to its end. */
@Name("cloud.avila.avx.Task")
@Label("AVX Task")
@Category("AVX")
@Description("A task, from its start to its end; a poll task from its spawn")
@Enabled(false)
@StackTrace(false)
final class TaskEvent extends Event {
    private static final TaskEvent PROBE = new TaskEvent();

    @Label("Runtime")
    @Nullable String runtime;

    @Label("Task")
    long task;

    @Label("Name")
    @Nullable String name;

    @Label("Kind")
    @Nullable String kind;

    @Label("Lane")
    @Nullable String lane;

    @Label("Waited")
    @Description("Time from the spawn to the start; not known of poll tasks")
    @Timespan(Timespan.NANOSECONDS)
    long waited;

    @Label("Outcome")
    @Description("COMPLETED, FAILED or CANCELLED")
    @Nullable String outcome;

    static boolean isOn() {
        return PROBE.isEnabled();
    }

    static Object begun(TrackedTask task, String runtime) {
        var event = new TaskEvent();
        event.runtime = runtime;
        event.waited =
                task.kind == TaskKind.POLL_TASK
                        ? Long.MIN_VALUE // the recorder's "not available"
                        : Math.max(0, System.nanoTime() - task.acceptedNanos);
        event.begin();
        return event;
    }

    static void ended(Object begun, TrackedTask ended) {
        var event = (TaskEvent) begun;
        event.end();
        if (event.shouldCommit()) {
            event.task = ended.id();
            event.name = ended.displayName();
            event.kind = ended.kind.name();
            event.lane = ended.lane.name();
            event.outcome = ended.ending().name();
            if (Thread.currentThread() instanceof WorkerThread) {
                // the recorder of JDK 25 drops what a carrier writes itself right after one of its
                // virtual threads
                Thread.ofVirtual().name("avx-recorder").start(event::commit);
            } else {
                event.commit();
            }
        }
    }
}
