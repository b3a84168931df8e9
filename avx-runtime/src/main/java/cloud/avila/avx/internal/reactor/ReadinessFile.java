package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file with a descriptor of ours, which the system can send by itself. */
final class ReadinessFile extends Holds implements IoFile {
    private static final int MOST_PATH_BYTES = 4095;

    private final SocketCalls calls;
    private final Path path;
    final int fd;

    private ReadinessFile(SocketCalls calls, Path path, int fd) {
        this.calls = calls;
        this.path = path;
        this.fd = fd;
    }

    /** Opens a file, or tells by null that the path cannot be told to the system. */
    static @Nullable ReadinessFile open(SocketCalls calls, Path path) throws IOException {
        String name = path.toString();
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (path.getFileSystem() != java.nio.file.FileSystems.getDefault()
                || bytes.length == 0
                || bytes.length > MOST_PATH_BYTES) {
            return null;
        }
        int fd;
        do {
            fd = calls.openFile(ReadinessSocket.scratch(), bytes);
        } while (fd == -LinuxErrno.EINTR);
        if (fd >= 0) {
            return new ReadinessFile(calls, path, fd);
        }
        throw switch (-fd) {
            case LinuxErrno.ENOENT -> new NoSuchFileException(name);
            case LinuxErrno.EACCES, LinuxErrno.EPERM -> new AccessDeniedException(name);
            default ->
                    new FileSystemException(
                            name, null, calls.exception("opening", null, -fd).getMessage());
        };
    }

    IOException closed() {
        return new ClosedChannelException();
    }

    @Override
    public long size() throws IOException {
        if (!hold()) {
            throw closed();
        }
        try {
            return checked(calls.fileSize(ReadinessSocket.scratch(), fd), "asking for the size of");
        } finally {
            release();
        }
    }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
        if (!hold()) {
            throw closed();
        }
        try {
            NativeScratch scratch = ReadinessSocket.scratch();
            MemorySegment memory = MemorySegment.ofBuffer(to);
            MemorySegment io = to.isDirect() ? memory : scratch.io();
            long wanted = Math.min(to.remaining(), io.byteSize());
            long result;
            do {
                result = calls.readAt(scratch, fd, io, wanted, position);
            } while (result == -LinuxErrno.EINTR);
            int count = (int) checked(result, "reading");
            if (!to.isDirect()) {
                MemorySegment.copy(io, 0, memory, 0, count);
            }
            to.position(to.position() + count);
            return count == 0 ? IoDriver.END_OF_STREAM : count;
        } finally {
            release();
        }
    }

    private long checked(long result, String operation) throws IOException {
        if (result < 0) {
            throw new FileSystemException(
                    path.toString(),
                    null,
                    calls.exception(operation + " it", null, (int) -result).getMessage());
        }
        return result;
    }

    @Override
    void destroy() {
        int unused = calls.close(ReadinessSocket.scratch(), fd);
    }

    @Override
    public void close() {
        if (beginClose() == Closing.HELD) {
            release();
        }
    }

    @Override
    public String toString() {
        return "file " + path + " (fd " + fd + ")";
    }
}
