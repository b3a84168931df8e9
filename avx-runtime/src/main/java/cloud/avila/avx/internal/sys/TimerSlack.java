package cloud.avila.avx.internal.sys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How much later than asked Linux may wake a thread that waits with a timeout, in order to wake
 * several at once: 50 microseconds unless the thread says otherwise. Through {@code /proc}, which
 * does what {@code prctl(PR_SET_TIMERSLACK)} does and needs no native call, so that it works, and
 * warns of nothing, where those are denied.
 */
public final class TimerSlack {
    private static final String SHORTEST = "1"; // nanosecond; 0 would restore the default

    private TimerSlack() {}

    /**
     * Makes the timeouts of the calling platform thread as exact as the system can, for good.
     *
     * @return whether it could; false on other systems and where {@code /proc} is missing or
     *     protected
     */
    public static boolean minimize() {
        try {
            Files.writeString(ofThisThread(), SHORTEST);
            return true;
        } catch (IOException | SecurityException e) {
            return false; // timers are a little later then
        }
    }

    /** The file that holds the calling platform thread's slack, in nanoseconds. */
    static Path ofThisThread() throws IOException {
        // names the thread as <process>/task/<thread>, where the file is not found
        Path thread = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName();
        return Path.of("/proc").resolve(thread).resolve("timerslack_ns");
    }
}
