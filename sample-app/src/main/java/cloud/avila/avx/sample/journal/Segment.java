package cloud.avila.avx.sample.journal;

import java.nio.file.Path;

/** One file of the journal: its bytes have the positions {@code base} to {@code end()}. */
final class Segment {
    static final String SUFFIX = ".journal";

    /** "AVXJRNL" and the format's version. */
    static final long MAGIC = 0x4156584A524E4C01L;

    static final int HEADER = Long.BYTES;

    final long base;
    final Path path;
    long length;

    Segment(long base, Path path, long length) {
        this.base = base;
        this.path = path;
        this.length = length;
    }

    static Path pathOf(Path directory, long base) {
        return directory.resolve("%019d%s".formatted(base, SUFFIX));
    }

    long end() {
        return base + length;
    }
}
