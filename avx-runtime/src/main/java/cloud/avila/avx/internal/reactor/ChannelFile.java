package cloud.avila.avx.internal.reactor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * A file as a channel of the JDK, for drivers that have no file of their own.
 *
 * @param channel the channel
 */
public record ChannelFile(FileChannel channel) implements IoFile {
    @Override
    public long size() throws IOException {
        return channel.size();
    }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
        return channel.read(to, position);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
