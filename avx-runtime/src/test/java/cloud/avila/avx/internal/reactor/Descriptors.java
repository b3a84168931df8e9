package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Counts the descriptors of this process that sockets and drivers use. */
public final class Descriptors {
    private Descriptors() {}

    public static long count() {
        return System.getProperty("os.name").startsWith("Windows")
                ? WindowsHandles.sockets()
                : ofLinux();
    }

    private static long ofLinux() {
        try (var entries = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            long count = 0;
            for (Path entry : entries) {
                try {
                    String target = Files.readSymbolicLink(entry).toString();
                    if (target.startsWith("socket:")
                            || target.startsWith("pipe:")
                            || target.equals("anon_inode:[eventpoll]")
                            || target.equals("anon_inode:[io_uring]")
                            || target.equals("anon_inode:[eventfd]")) {
                        count++;
                    }
                } catch (NoSuchFileException closedMeanwhile) {
                    // the directory stream's own, for one
                    continue;
                }
            }
            return count;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until as many are open as before, which takes a moment after a close elsewhere. */
    public static void assertCount(long expected) throws InterruptedException {
        for (int i = 0; i < 500 && count() > expected; i++) {
            Thread.sleep(10);
        }
        assertEquals(expected, count(), "open sockets and driver descriptors");
    }
}
