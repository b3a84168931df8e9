package cloud.avila.avx.sample.journal;

import cloud.avila.avx.sample.line.Sample;

import org.jspecify.annotations.Nullable;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * An append-only sequence of samples in segment files. A record has a position, which never repeats
 * over the life of the directory; the database remembers the position up to which it holds
 * everything, and {@link #release} deletes the segments below.
 *
 * <p>A segment is never appended to after a restart, so a torn record can only be at the end of
 * one. When a write fails, the segment is cut back to its last whole record; when even that fails,
 * it is abandoned and the next write begins a new one.
 *
 * <p>Used by one thread, but for the figures, which any thread may read.
 */
public final class Journal implements Closeable {
    private static final int BUFFER_SIZE = 256 * 1024;

    private final JournalSettings settings;
    private final SegmentFile.Factory files;
    private final List<Segment> segments;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_SIZE);

    private @Nullable Segment active;
    private @Nullable SegmentFile file;
    private long nextBase;
    private boolean unforced;
    private long lastForce = System.nanoTime();

    private volatile long size;
    private volatile long end;
    private volatile int segmentCount;

    private Journal(
            JournalSettings settings,
            SegmentFile.Factory files,
            List<Segment> segments,
            long nextBase) {
        this.settings = settings;
        this.files = files;
        this.segments = segments;
        this.nextBase = nextBase;
        this.end = nextBase;
        publish();
    }

    /**
     * Opens a journal. Existing segments are kept for reading; writing begins in a new one, which
     * is created by the first append, so that opening works on a full disk.
     *
     * @param settings how it works
     * @param files creates segment files
     * @param minPosition a position below which nothing may be written: the database's
     * @return the journal
     * @throws IOException if the directory cannot be read
     */
    public static Journal open(
            JournalSettings settings, SegmentFile.Factory files, long minPosition)
            throws IOException {
        var segments = new ArrayList<Segment>();
        long nextBase = minPosition;
        if (Files.isDirectory(settings.directory())) {
            try (Stream<Path> paths = Files.list(settings.directory())) {
                for (Path path : paths.sorted().toList()) {
                    String name = path.getFileName().toString();
                    if (name.matches("\\d{19}\\" + Segment.SUFFIX)) {
                        long base = Long.parseLong(name, 0, 19, 10);
                        segments.add(new Segment(base, path, Files.size(path)));
                        nextBase = Math.max(nextBase, base + Math.max(1, Files.size(path)));
                    }
                }
            }
        }
        return new Journal(settings, files, segments, nextBase);
    }

    /**
     * Appends samples, as many as go into one write.
     *
     * @param samples the samples
     * @param from the first to append
     * @param receivedMillis the time to record with them, in epoch milliseconds
     * @return how many were appended, at least one; they are in the operating system's hands, and
     *     on the device under {@link FsyncPolicy#ALWAYS}
     * @throws JournalFullException if the size limit is reached; nothing was appended
     * @throws IOException if the write failed; nothing was appended
     */
    public int append(List<? extends Sample> samples, int from, long receivedMillis)
            throws IOException {
        buffer.clear();
        int next = from;
        while (next < samples.size()
                && buffer.remaining() >= SampleCodec.HEADER + SampleCodec.MAX_PAYLOAD) {
            SampleCodec.encode(samples.get(next), receivedMillis, buffer);
            next++;
        }
        buffer.flip();
        int bytes = buffer.remaining();
        if (size + bytes > settings.maxSize()) {
            throw new JournalFullException(size, settings.maxSize());
        }
        if (active == null || active.length >= settings.segmentSize()) {
            roll();
        }
        write(bytes);
        return next - from;
    }

    private void write(int bytes) throws IOException {
        Segment segment = Objects.requireNonNull(active);
        SegmentFile out = Objects.requireNonNull(file);
        boolean always = settings.fsync() == FsyncPolicy.ALWAYS;
        try {
            out.write(buffer);
            if (always) {
                out.force();
            }
        } catch (IOException e) {
            cutBack(segment, out, e);
            throw e;
        }
        segment.length += bytes;
        unforced = !always;
        publish();
    }

    private void cutBack(Segment segment, SegmentFile out, IOException cause) {
        try {
            out.truncate(segment.length);
        } catch (IOException e) {
            cause.addSuppressed(e);
            abandon(segment, out, cause);
        }
    }

    /** Leaves a segment of unknown length alone: the reader skips its torn end. */
    private void abandon(Segment segment, SegmentFile out, IOException cause) {
        try {
            out.close();
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
        active = null;
        file = null;
        nextBase = segment.end() + BUFFER_SIZE;
    }

    private void roll() throws IOException {
        Segment old = active;
        SegmentFile oldFile = file;
        long base = old == null ? nextBase : old.end();
        Path path = Segment.pathOf(settings.directory(), base);
        SegmentFile created = files.create(path);
        try {
            created.write(ByteBuffer.allocate(Segment.HEADER).putLong(0, Segment.MAGIC));
        } catch (IOException e) {
            try (created) {
                Files.deleteIfExists(path);
            } catch (IOException e2) {
                e.addSuppressed(e2);
            }
            throw e;
        }
        active = new Segment(base, path, Segment.HEADER);
        file = created;
        segments.add(active);
        publish();
        if (oldFile != null) {
            try (oldFile) {
                if (settings.fsync() != FsyncPolicy.NEVER) {
                    oldFile.force();
                }
            }
        }
    }

    /**
     * Forces what was written, if the policy and the time ask for it.
     *
     * @param nanoTime now, by {@link System#nanoTime()}
     * @throws IOException if the device reports an error; the next append begins a new segment
     */
    public void forceIfDue(long nanoTime) throws IOException {
        if (settings.fsync() == FsyncPolicy.INTERVAL
                && unforced
                && nanoTime - lastForce >= settings.fsyncInterval().toNanos()) {
            lastForce = nanoTime;
            force();
        }
    }

    private void force() throws IOException {
        Segment segment = active;
        SegmentFile out = file;
        if (segment != null && out != null) {
            try {
                out.force();
                unforced = false;
            } catch (IOException e) {
                abandon(segment, out, e);
                throw e;
            }
        }
    }

    /**
     * Deletes the segments that hold nothing from a position on.
     *
     * @param position everything below is durably stored elsewhere
     * @throws IOException if a file cannot be deleted; it is tried again next time
     */
    public void release(long position) throws IOException {
        while (releasable(position)) {
            Files.deleteIfExists(segments.getFirst().path);
            segments.removeFirst();
            publish();
        }
    }

    /**
     * Whether {@link #release} would delete anything.
     *
     * @param position everything below is stored elsewhere
     * @return true if a segment ends at or below the position
     */
    public boolean releasable(long position) {
        return !segments.isEmpty()
                && segments.getFirst() != active
                && segments.getFirst().end() <= position;
    }

    /**
     * Reads from a position to the end, including what is appended later.
     *
     * @param position where to begin: 0, the end of a record, or {@link #end()}
     * @return a reader; to be used by the journal's thread only
     */
    public JournalReader reader(long position) {
        return new JournalReader(segments, position);
    }

    /**
     * The position after the last record.
     *
     * @return the position
     */
    public long end() {
        return end;
    }

    /**
     * Bytes kept.
     *
     * @return the sum of the segments' lengths
     */
    public long size() {
        return size;
    }

    /**
     * Segments kept.
     *
     * @return their number
     */
    public int segmentCount() {
        return segmentCount;
    }

    private void publish() {
        long bytes = 0;
        for (Segment segment : segments) {
            bytes += segment.length;
        }
        size = bytes;
        segmentCount = segments.size();
        end = segments.isEmpty() ? end : Math.max(end, segments.getLast().end());
    }

    /** Forces, unless the policy is never, and closes. */
    @Override
    public void close() throws IOException {
        SegmentFile out = file;
        if (out != null) {
            try (out) {
                if (settings.fsync() != FsyncPolicy.NEVER) {
                    out.force();
                }
            } finally {
                active = null;
                file = null;
            }
        }
    }
}
