package cloud.avila.avx.internal.scheduler;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

import org.jspecify.annotations.Nullable;

/** A worker whose thread is stuck got another one. */
@Name("cloud.avila.avx.TakeOver")
@Label("AVX Take-over")
@Category("AVX")
@Description("Another thread runs a worker whose thread is stuck in a task")
@StackTrace(false)
final class TakeOverEvent extends Event {
    @Label("Runtime")
    @Nullable String runtime;

    @Label("Worker")
    int worker;

    @Label("Stuck Thread")
    @Nullable String from;

    @Label("New Thread")
    @Nullable String to;

    static void record(String runtime, int worker, String from, String to) {
        var event = new TakeOverEvent();
        if (event.shouldCommit()) {
            event.runtime = runtime;
            event.worker = worker;
            event.from = from;
            event.to = to;
            event.commit();
        }
    }
}
