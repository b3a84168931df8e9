package cloud.avila.avx.internal.scheduler;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Throttle;

import org.jspecify.annotations.Nullable;

/** A task that was refused; with the stack of who wanted to start it. */
@Name("cloud.avila.avx.Reject")
@Label("AVX Reject")
@Category("AVX")
@Description("A task was refused: a bound was reached, or the runtime was closing")
@Throttle("100/s") // an overloaded runtime refuses millions
final class RejectEvent extends Event {
    @Label("Runtime")
    @Nullable String runtime;

    @Label("Reason")
    @Nullable String reason;

    static void record(String runtime, @Nullable String reason) {
        var event = new RejectEvent();
        if (event.shouldCommit()) {
            event.runtime = runtime;
            event.reason = reason;
            event.commit();
        }
    }
}
