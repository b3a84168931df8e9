package cloud.avila.avx.internal.scheduler;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

import org.jspecify.annotations.Nullable;

/** A worker that is on one piece of work for too long, as the watchdog reports it. */
@Name("cloud.avila.avx.Stall")
@Label("AVX Stall")
@Category("AVX")
@Description("A worker is on one piece of work for longer than the stall threshold")
@StackTrace(false) // it would be the watchdog's
final class StallEvent extends Event {
    private static final int MAX_FRAMES = 64;

    @Label("Runtime")
    @Nullable String runtime;

    @Label("Worker")
    @Nullable String worker;

    @Label("Work")
    @Nullable String work;

    @Label("Busy")
    @Description("How long it has been, when this was found out")
    @Timespan(Timespan.NANOSECONDS)
    long busy;

    @Label("Stack")
    @Description("The work's stack, the innermost frame first")
    @Nullable String stack;

    static void record(
            String runtime, String worker, String work, long busyNanos, StackTraceElement[] stack) {
        var event = new StallEvent();
        if (event.shouldCommit()) {
            event.runtime = runtime;
            event.worker = worker;
            event.work = work;
            event.busy = busyNanos;
            var frames = new StringBuilder();
            for (int i = 0; i < Math.min(stack.length, MAX_FRAMES); i++) {
                frames.append(stack[i]).append('\n');
            }
            event.stack = frames.toString();
            event.commit();
        }
    }
}
