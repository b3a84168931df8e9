package cloud.avila.avx.sample.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The file operations the journal writes with: the seam at which tests make a disk fail. */
public interface SegmentFile extends Closeable {
    /**
     * Appends bytes.
     *
     * @param bytes written completely on return
     * @throws IOException if not all could be written
     */
    void write(ByteBuffer bytes) throws IOException;

    /**
     * Forces everything written to the device.
     *
     * @throws IOException if the device reports an error
     */
    void force() throws IOException;

    /**
     * Cuts the file.
     *
     * @param length its new length; the next write goes there
     * @throws IOException if it cannot be cut
     */
    void truncate(long length) throws IOException;

    /** Creates segment files. */
    @FunctionalInterface
    interface Factory {
        /**
         * Creates a file, in place of a leftover of a failed creation.
         *
         * @param path where
         * @return the open file
         * @throws IOException if it cannot be created
         */
        SegmentFile create(Path path) throws IOException;
    }

    /**
     * Files of the default file system.
     *
     * @return the factory
     */
    static Factory onDisk() {
        return path -> {
            Files.createDirectories(path.toAbsolutePath().getParent());
            var channel =
                    FileChannel.open(
                            path,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.TRUNCATE_EXISTING,
                            StandardOpenOption.WRITE);
            return new SegmentFile() {
                @Override
                public void write(ByteBuffer bytes) throws IOException {
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                }

                @Override
                public void force() throws IOException {
                    channel.force(false);
                }

                @Override
                public void truncate(long length) throws IOException {
                    channel.truncate(length);
                }

                @Override
                public void close() throws IOException {
                    channel.close();
                }
            };
        };
    }
}
