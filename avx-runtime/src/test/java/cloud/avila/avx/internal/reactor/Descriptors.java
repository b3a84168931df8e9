package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.internal.sys.DarwinLibc;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeAccess;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Counts the descriptors of this process that sockets and drivers use. */
public final class Descriptors {
    private Descriptors() {}

    public static long count() {
        String os = System.getProperty("os.name");
        if (os.startsWith("Windows")) {
            return WindowsHandles.sockets();
        }
        return os.startsWith("Mac") ? ofMacOs() : ofLinux();
    }

    /** Sockets only: macOS does not list what a descriptor is, but says whether it is a socket. */
    private static long ofMacOs() {
        DarwinLibc libc = NativeAccess.darwin();
        var scratch = new NativeScratch();
        long count = 0;
        for (int fd = 0; fd < 1024; fd++) {
            scratch.length().set(ValueLayout.JAVA_INT, 0, SocketAddresses.MAX_BYTES);
            int result = libc.getsockname(scratch, fd, scratch.address(), scratch.length());
            if (result != -LinuxErrno.EBADF && result != -LinuxErrno.ENOTSOCK) {
                count++;
            }
        }
        return count;
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

    /**
     * Waits until none has been closed for a moment: another test's, of a process that has ended or
     * of a runtime that is closing, would be missing in the next count.
     */
    public static void settle() throws InterruptedException {
        long last = count();
        for (int quiet = 0, i = 0; quiet < 5 && i < 3_000; i++) {
            Thread.sleep(10);
            long now = count();
            quiet = now < last ? 0 : quiet + 1;
            last = now;
        }
    }

    /** Waits until as many are open as before, which takes a moment after a close elsewhere. */
    public static void assertCount(long expected) throws InterruptedException {
        for (int i = 0; i < 3_000 && count() > expected; i++) {
            Thread.sleep(10);
        }
        assertEquals(expected, count(), "open sockets and driver descriptors");
    }
}
