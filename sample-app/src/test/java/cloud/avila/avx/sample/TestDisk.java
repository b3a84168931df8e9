package cloud.avila.avx.sample;

import cloud.avila.avx.sample.journal.SegmentFile;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** The journal's disk, which a test can make slow or full. */
final class TestDisk implements SegmentFile.Factory {
    volatile boolean full;
    volatile long writeMillis;

    @Override
    public SegmentFile create(Path path) throws IOException {
        checkSpace();
        SegmentFile real = SegmentFile.onDisk().create(path);
        return new SegmentFile() {
            @Override
            public void write(ByteBuffer bytes) throws IOException {
                try {
                    Thread.sleep(writeMillis);
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
                checkSpace();
                real.write(bytes);
            }

            @Override
            public void force() throws IOException {
                real.force();
            }

            @Override
            public void truncate(long length) throws IOException {
                real.truncate(length);
            }

            @Override
            public void close() throws IOException {
                real.close();
            }
        };
    }

    private void checkSpace() throws IOException {
        if (full) {
            throw new IOException("No space left on device");
        }
    }
}
