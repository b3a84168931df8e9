package cloud.avila.avx.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ScatteringByteChannel;
import java.util.Arrays;
import java.util.Objects;

/** A {@link SocketStream} as a channel of the JDK: blocking, one reader and one writer. */
final class ChannelView implements ByteChannel, ScatteringByteChannel, GatheringByteChannel {
    private final SocketStream stream;

    ChannelView(SocketStream stream) {
        this.stream = stream;
    }

    @FunctionalInterface
    private interface Transfer {
        int run() throws IOException, InterruptedException;
    }

    private int transfer(Transfer transfer) throws IOException {
        try {
            return transfer.run();
        } catch (SocketClosedException e) {
            var thrown = new ClosedChannelException();
            thrown.initCause(e);
            throw thrown;
        } catch (InterruptedException e) {
            stream.close();
            Thread.currentThread().interrupt();
            var thrown = new ClosedByInterruptException();
            thrown.initCause(e);
            throw thrown;
        }
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
        return transfer(() -> stream.read(to));
    }

    @Override
    public long read(ByteBuffer[] to, int offset, int length) throws IOException {
        ByteBuffer[] part = slice(to, offset, length);
        return transfer(() -> stream.read(part));
    }

    @Override
    public long read(ByteBuffer[] to) throws IOException {
        return transfer(() -> stream.read(to));
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        int count = from.remaining();
        transfer(
                () -> {
                    stream.writeAll(from);
                    return count;
                });
        return count;
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) throws IOException {
        return write(slice(from, offset, length));
    }

    @Override
    public long write(ByteBuffer[] from) throws IOException {
        long total = 0;
        for (int count; (count = transfer(() -> stream.write(from))) > 0; ) {
            total += count;
        }
        return total;
    }

    private static ByteBuffer[] slice(ByteBuffer[] buffers, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, buffers.length);
        return Arrays.copyOfRange(buffers, offset, offset + length);
    }

    @Override
    public boolean isOpen() {
        return stream.isOpen();
    }

    @Override
    public void close() {
        stream.close();
    }

    @Override
    public String toString() {
        return "ByteChannel[" + stream + "]";
    }
}
