package cloud.avila.avx.internal.scheduler;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

import org.jspecify.annotations.Nullable;

/** The driver that was asked for is refused by the system, and another takes its place. */
@Name("cloud.avila.avx.DriverFallback")
@Label("AVX Driver Fallback")
@Category("AVX")
@Description("The system refuses the driver that was asked for, and another takes its place")
@StackTrace(false)
final class DriverFallbackEvent extends Event {
    @Label("Runtime")
    @Nullable String runtime;

    @Label("Wanted")
    @Nullable String wanted;

    @Label("Used")
    @Nullable String used;

    @Label("Reason")
    @Nullable String reason;

    static void record(String runtime, String wanted, String used, @Nullable String reason) {
        var event = new DriverFallbackEvent();
        if (event.shouldCommit()) {
            event.runtime = runtime;
            event.wanted = wanted;
            event.used = used;
            event.reason = reason;
            event.commit();
        }
    }
}
