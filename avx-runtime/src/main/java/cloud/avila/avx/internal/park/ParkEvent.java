package cloud.avila.avx.internal.park;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;
import jdk.jfr.Throttle;

import org.jspecify.annotations.Nullable;

/** A fiber that waited, from when it parked until it ran again; with its stack. */
@Name("cloud.avila.avx.Park")
@Label("AVX Park")
@Category("AVX")
@Description("A fiber waited for something of AVX; the time until it ran again is included")
@Enabled(false)
@Threshold("20 ms")
@Throttle("300/s") // every connection of a server waits all the time
final class ParkEvent extends Event {
    private static final ParkEvent PROBE = new ParkEvent();

    @Label("Waits On")
    @Nullable String blocker;

    static boolean isOn() {
        return PROBE.isEnabled();
    }

    static ParkEvent begun() {
        var event = new ParkEvent();
        event.begin();
        return event;
    }

    static void ended(Object begun, Object blocker) {
        var event = (ParkEvent) begun;
        event.end();
        if (event.shouldCommit()) {
            event.blocker = String.valueOf(blocker);
            event.commit();
        }
    }
}
