package cloud.avila.avx.sample.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import cloud.avila.avx.sample.line.Sample;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

class JournalTest {
    private static final long NOW = 1_700_000_000_123L;

    @TempDir Path directory;
    private JournalSettings settings;

    @BeforeEach
    void settings() {
        settings = settings(4096, 1 << 20, FsyncPolicy.INTERVAL);
    }

    private JournalSettings settings(long segment, long max, FsyncPolicy policy) {
        return new JournalSettings(directory, segment, max, policy, Duration.ofMillis(50));
    }

    @Test
    void readsBackEverySampleAsItWasWritten() throws Exception {
        List<Sample> samples =
                List.of(
                        new Sample.Count("c;tag=ü", -0.0),
                        new Sample.Gauge("g", 1e-300, false),
                        new Sample.Gauge("g", -7, true),
                        new Sample.Timing("t", 12.5, 10),
                        new Sample.Member("u", "日本 " + "m".repeat(250)),
                        new Sample.TimedPoint("p".repeat(1024), -5, Double.MAX_VALUE),
                        new Sample.Count("\uFFFF".repeat(1024), 1));
        try (Journal journal = open(0)) {
            append(journal, samples);
        }

        assertThat(records(open(0), 0))
                .containsExactlyElementsOf(
                        samples.stream().map(s -> new JournalRecord(s, NOW)).toList());
    }

    @Test
    void readsFromAPosition() throws Exception {
        Journal journal = open(0);
        append(journal, counts(0, 10));
        long middle = journal.end();
        append(journal, counts(10, 20));

        assertThat(samples(journal, middle)).isEqualTo(counts(10, 20));
        assertThat(samples(journal, journal.end())).isEmpty();
    }

    @Test
    void aReaderAtTheEndSeesWhatIsAppendedLater() throws Exception {
        Journal journal = open(0);
        JournalReader reader = journal.reader(0);
        assertThat(reader.next()).isNull();
        append(journal, counts(0, 500));
        assertThat(drain(reader)).isEqualTo(counts(0, 500));
        append(journal, counts(500, 1000));
        assertThat(drain(reader)).isEqualTo(counts(500, 1000));
        assertThat(reader.position()).isEqualTo(journal.end());
    }

    @Test
    void spreadsOverSegmentsAndDeletesThoseConfirmed() throws Exception {
        Journal journal = open(0);
        for (int i = 0; i < 1000; i += 10) {
            append(journal, counts(i, i + 10));
        }
        long size = journal.size();
        assertThat(journal.segmentCount()).isGreaterThan(5);
        assertThat(files()).hasSize(journal.segmentCount());
        long confirmed = journal.end();
        append(journal, counts(1000, 1010));

        assertThat(journal.releasable(confirmed)).isTrue();
        journal.release(confirmed);

        assertThat(journal.size()).isLessThan(size / 2);
        assertThat(files()).hasSize(journal.segmentCount());
        assertThat(samples(journal, confirmed)).isEqualTo(counts(1000, 1010));
        assertThat(journal.releasable(confirmed)).isFalse();
    }

    @Test
    void neverUsesAPositionTwiceAfterARestart() throws Exception {
        long end;
        try (Journal journal = open(0)) {
            append(journal, counts(0, 5));
            end = journal.end();
        }
        try (Journal journal = open(0)) {
            append(journal, counts(5, 6));
            assertThat(samples(journal, end)).isEqualTo(counts(5, 6));
            assertThat(samples(journal, 0)).isEqualTo(counts(0, 6));
        }
        for (Path file : files()) {
            Files.delete(file);
        }
        try (Journal journal = open(1_000_000)) {
            append(journal, counts(6, 7));
            assertThat(journal.end()).isGreaterThan(1_000_000);
            assertThat(samples(journal, 1_000_000)).isEqualTo(counts(6, 7));
        }
    }

    @Test
    void keepsEverythingBeforeATornTailWhereverItIsTorn() throws Exception {
        try (Journal journal = open(0)) {
            append(journal, counts(0, 20));
        }
        Path file = files().getFirst();
        byte[] whole = Files.readAllBytes(file);
        for (int length = whole.length - 1; length >= 0; length--) {
            Files.write(file, java.util.Arrays.copyOf(whole, length));
            try (Journal journal = open(0)) {
                List<Sample> before = samples(journal, 0);
                append(journal, counts(20, 21));
                List<Sample> after = new ArrayList<>(before);
                after.addAll(counts(20, 21));

                assertThat(before).as("cut at %d", length).isEqualTo(counts(0, before.size()));
                assertThat(samples(journal, 0)).as("cut at %d", length).isEqualTo(after);
            }
            files().stream().skip(1).forEach(path -> path.toFile().delete());
        }
    }

    @Test
    void skipsOnlyTheRecordWhoseBytesAreDamaged() throws Exception {
        try (Journal journal = open(0)) {
            append(journal, counts(0, 20));
        }
        Path file = files().getFirst();
        byte[] bytes = Files.readAllBytes(file);
        int record = (bytes.length - Segment.HEADER) / 20;
        bytes[Segment.HEADER + 7 * record + SampleCodec.HEADER + 3] ^= 0x10;
        Files.write(file, bytes);

        try (Journal journal = open(0)) {
            JournalReader reader = journal.reader(0);
            List<Sample> expected = new ArrayList<>(counts(0, 20));
            expected.remove(7);
            assertThat(drain(reader)).isEqualTo(expected);
            assertThat(reader.damaged()).isEqualTo(1);
        }
    }

    @Test
    void survivesAnyDamageAndNeverInventsASample() throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        try (Journal journal = open(0)) {
            append(journal, counts(0, 50));
        }
        Path file = files().getFirst();
        byte[] whole = Files.readAllBytes(file);
        for (int round = 0; round < 500; round++) {
            byte[] bytes = whole.clone();
            int hits = 1 + random.nextInt(5);
            for (int i = 0; i < hits; i++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            Files.write(file, bytes);
            try (Journal journal = open(0)) {
                assertThat(counts(0, 50))
                        .as("seed %d, round %d", seed, round)
                        .containsAll(samples(journal, 0));
            }
        }
    }

    @Test
    void ignoresForeignFiles() throws Exception {
        Files.writeString(directory.resolve("notes.txt"), "hello");
        Files.writeString(directory.resolve("%019d.journal".formatted(0)), "not a journal at all");
        try (Journal journal = open(0)) {
            append(journal, counts(0, 3));
            assertThat(samples(journal, 0)).isEqualTo(counts(0, 3));
        }
    }

    @Test
    void refusesToGrowBeyondItsLimit() throws Exception {
        settings = settings(4096, 16_384, FsyncPolicy.NEVER);
        Journal journal = open(0);
        assertThatThrownBy(
                        () -> {
                            for (int i = 0; i < 10_000; i += 10) {
                                append(journal, counts(i, i + 10));
                            }
                        })
                .isInstanceOf(JournalFullException.class)
                .hasMessageContaining("gateway.journal.max-size")
                .hasMessageContaining("16384");
        assertThat(journal.size()).isLessThanOrEqualTo(16_384);

        journal.release(journal.end());
        append(journal, counts(0, 10));
    }

    @Test
    void forcesAsThePolicySays() throws Exception {
        for (FsyncPolicy policy : FsyncPolicy.values()) {
            settings = settings(1 << 20, 1 << 22, policy);
            var disk = new FragileDisk();
            try (Journal journal = Journal.open(settings, disk, 0)) {
                append(journal, counts(0, 1));
                int afterAppend = disk.forced;
                journal.forceIfDue(System.nanoTime());
                int tooEarly = disk.forced;
                journal.forceIfDue(System.nanoTime() + Duration.ofSeconds(1).toNanos());
                int due = disk.forced;
                journal.forceIfDue(System.nanoTime() + Duration.ofSeconds(9).toNanos());

                assertThat(afterAppend).isEqualTo(policy == FsyncPolicy.ALWAYS ? 1 : 0);
                assertThat(due)
                        .as("%s", policy)
                        .isEqualTo(policy == FsyncPolicy.NEVER ? 0 : Math.max(1, tooEarly));
                assertThat(disk.forced).as("nothing new to force").isEqualTo(due);
            }
        }
    }

    @Test
    void losesNothingAppendedWhenTheDiskFillsAndRecovers() throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var disk = new FragileDisk();
        var kept = new ArrayList<Sample>();
        try (Journal journal = Journal.open(settings, disk, 0)) {
            for (int i = 0; i < 2000; i++) {
                disk.space = random.nextInt(3) == 0 ? random.nextInt(200) : Integer.MAX_VALUE;
                disk.mayTruncate = random.nextBoolean();
                List<Sample> batch = counts(10 * i, 10 * i + 1 + random.nextInt(9));
                try {
                    append(journal, batch);
                    kept.addAll(batch);
                } catch (IOException e) {
                    assertThat(e).hasMessageContaining("No space");
                }
            }
            assertThat(kept).as("seed %d", seed).hasSizeBetween(100, 19_000);
            assertThat(samples(journal, 0)).as("seed %d", seed).isEqualTo(kept);
        }
        // where cutting back failed too, whole records of a failed batch may come to light again
        try (Journal again = open(0)) {
            assertThat(samples(again, 0))
                    .as("seed %d, reopened", seed)
                    .containsSubsequence(kept)
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux has /dev/full")
    void reportsARealFullDevice() throws Exception {
        Path full = Path.of("/dev/full");
        SegmentFile.Factory onFullDevice =
                path -> {
                    var channel = FileChannel.open(full, StandardOpenOption.WRITE);
                    return new ChannelFile(channel);
                };
        try (Journal journal = Journal.open(settings, onFullDevice, 0)) {
            assertThatThrownBy(() -> append(journal, counts(0, 1)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("No space left on device");
            assertThat(samples(journal, 0)).isEmpty();
        }
    }

    private Journal open(long minPosition) throws IOException {
        return Journal.open(settings, SegmentFile.onDisk(), minPosition);
    }

    private static void append(Journal journal, List<Sample> samples) throws IOException {
        for (int from = 0; from < samples.size(); ) {
            from += journal.append(samples, from, NOW);
        }
    }

    private static List<Sample> counts(int from, int to) {
        return IntStream.range(from, to)
                .<Sample>mapToObj(i -> new Sample.Count("count%06d".formatted(i), i))
                .toList();
    }

    private static List<JournalRecord> records(Journal journal, long from) throws IOException {
        try (JournalReader reader = journal.reader(from)) {
            var records = new ArrayList<JournalRecord>();
            for (JournalRecord r = reader.next(); r != null; r = reader.next()) {
                records.add(r);
            }
            return records;
        }
    }

    private static List<Sample> samples(Journal journal, long from) throws IOException {
        return records(journal, from).stream().map(JournalRecord::sample).toList();
    }

    private static List<Sample> drain(JournalReader reader) throws IOException {
        var samples = new ArrayList<Sample>();
        for (JournalRecord r = reader.next(); r != null; r = reader.next()) {
            samples.add(r.sample());
        }
        return samples;
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> paths = Files.list(directory)) {
            return paths.filter(p -> p.toString().endsWith(".journal")).sorted().toList();
        }
    }

    private record ChannelFile(FileChannel channel) implements SegmentFile {
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
    }

    /** Writes what there is space for, then fails, as a full disk does. */
    private static final class FragileDisk implements SegmentFile.Factory {
        int space = Integer.MAX_VALUE;
        boolean mayTruncate = true;
        int forced;

        @Override
        public SegmentFile create(Path path) throws IOException {
            SegmentFile real = SegmentFile.onDisk().create(path);
            return new SegmentFile() {
                @Override
                public void write(ByteBuffer bytes) throws IOException {
                    if (bytes.remaining() > space) {
                        ByteBuffer part = bytes.slice(bytes.position(), space);
                        real.write(part);
                        throw new IOException("No space left on device");
                    }
                    real.write(bytes);
                }

                @Override
                public void force() throws IOException {
                    forced++;
                    real.force();
                }

                @Override
                public void truncate(long length) throws IOException {
                    if (!mayTruncate) {
                        throw new IOException("No space to truncate");
                    }
                    real.truncate(length);
                }

                @Override
                public void close() throws IOException {
                    real.close();
                }
            };
        }
    }
}
