package cloud.avila.avx.sample.pipeline;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** Tells a full disk from other failures. Java has no exception of its own for it. */
final class DiskFull {
    private static final List<String> MESSAGES =
            List.of(
                    "No space left on device",
                    "Disk quota exceeded",
                    "File too large",
                    "not enough space on the disk");

    private DiskFull() {}

    static boolean isCauseOf(Throwable failure) {
        int depth = 0;
        for (@Nullable Throwable t = failure; t != null && depth < 20; t = t.getCause()) {
            String message = t.getMessage();
            if (message != null && MESSAGES.stream().anyMatch(message::contains)) {
                return true;
            }
            depth++;
        }
        return false;
    }
}
