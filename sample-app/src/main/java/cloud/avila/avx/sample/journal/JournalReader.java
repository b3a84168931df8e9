package cloud.avila.avx.sample.journal;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.Closeable;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;

/**
 * Reads records in order. A record whose checksum is wrong is skipped; a length that cannot be
 * right ends the segment, since there is no telling where the next record begins. Both are counted,
 * and the first few are logged.
 */
public final class JournalReader implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(JournalReader.class);
    private static final int BUFFER_SIZE = 64 * 1024;
    private static final int MAX_LOGGED = 10;
    private static final int CUT = -1;

    private final List<Segment> segments;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_SIZE).limit(0);
    private long position;
    private @Nullable Segment segment;
    private @Nullable FileChannel channel;
    private long damaged;

    JournalReader(List<Segment> segments, long position) {
        this.segments = segments;
        this.position = position;
    }

    /**
     * Reads the next record.
     *
     * @return the record, or null at the end of the journal
     * @throws IOException if a segment cannot be read
     */
    public @Nullable JournalRecord next() throws IOException {
        while (true) {
            Segment current = segment;
            if (current == null || position >= current.end()) {
                if (!openSegmentAt(current)) {
                    return null;
                }
                continue;
            }
            long left = current.end() - position;
            int length = left < SampleCodec.HEADER ? CUT : fill(SampleCodec.HEADER).getInt();
            if (length <= 0
                    || length > SampleCodec.MAX_PAYLOAD
                    || length > left - SampleCodec.HEADER) {
                boolean cut = length > 0 && length <= SampleCodec.MAX_PAYLOAD || length == CUT;
                skip(
                        current,
                        left,
                        cut ? "a record cut short" : "a record of " + length + " bytes");
                continue;
            }
            ByteBuffer record = fill(SampleCodec.HEADER + length);
            int expected = record.getInt(record.position() + Integer.BYTES);
            int payload = record.position() + SampleCodec.HEADER;
            boolean intact = SampleCodec.checksum(record, payload, length) == expected;
            JournalRecord decoded =
                    intact
                            ? decode(record.duplicate().position(payload).limit(payload + length))
                            : null;
            if (decoded == null) {
                skip(current, SampleCodec.HEADER + length, "a wrong checksum");
                continue;
            }
            consume(SampleCodec.HEADER + length);
            return decoded;
        }
    }

    /**
     * The position after the last record read or skipped.
     *
     * @return the position
     */
    public long position() {
        return position;
    }

    /**
     * Damaged places skipped.
     *
     * @return their number
     */
    public long damaged() {
        return damaged;
    }

    private static @Nullable JournalRecord decode(ByteBuffer payload) {
        try {
            return SampleCodec.decode(payload);
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return null;
        }
    }

    private void skip(Segment current, long bytes, String why) throws IOException {
        damaged++;
        if (damaged <= MAX_LOGGED) {
            LOG.warn(
                    "Journal {} is damaged at byte {}: {}; skipped {} bytes",
                    current.path.getFileName(),
                    position - current.base,
                    why,
                    bytes);
        }
        position += bytes;
        reposition(current);
    }

    private boolean openSegmentAt(@Nullable Segment finished) throws IOException {
        for (Segment candidate : segments) {
            if (candidate != finished && candidate.end() > position) {
                close();
                if (candidate.length < Segment.HEADER) {
                    position = candidate.end();
                    continue;
                }
                channel = FileChannel.open(candidate.path, StandardOpenOption.READ);
                segment = candidate;
                position = Math.max(position, candidate.base + Segment.HEADER);
                if (magic(channel) != Segment.MAGIC) {
                    skip(candidate, candidate.end() - position, "not a journal of this version");
                }
                reposition(candidate);
                return true;
            }
        }
        return false;
    }

    private static long magic(FileChannel channel) throws IOException {
        ByteBuffer magic = ByteBuffer.allocate(Segment.HEADER);
        while (magic.hasRemaining() && channel.read(magic, magic.position()) >= 0) {
            // until the header is complete or the file ends
        }
        return magic.getLong(0);
    }

    private void reposition(Segment current) throws IOException {
        buffer.clear().limit(0);
        Objects.requireNonNull(channel).position(position - current.base);
    }

    /** Makes at least this many bytes available; those beyond the segment's end are never used. */
    private ByteBuffer fill(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            buffer.compact();
            while (buffer.position() < bytes) {
                if (Objects.requireNonNull(channel).read(buffer) < 0) {
                    throw new IOException(
                            "journal segment ended "
                                    + (bytes - buffer.position())
                                    + " bytes early");
                }
            }
            buffer.flip();
        }
        return buffer.duplicate();
    }

    private void consume(int bytes) {
        buffer.position(buffer.position() + bytes);
        position += bytes;
    }

    @Override
    public void close() throws IOException {
        FileChannel open = channel;
        channel = null;
        segment = null;
        if (open != null) {
            open.close();
        }
    }
}
