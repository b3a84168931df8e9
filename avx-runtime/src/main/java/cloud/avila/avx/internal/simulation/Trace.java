package cloud.avila.avx.internal.simulation;

import java.util.Arrays;
import java.util.Locale;

/** What a simulation has decided: the last decisions one by one, and all of them as a digest. */
final class Trace {
    private static final long FNV_PRIME = 0x100000001b3L;
    private static final long SECOND = 1_000_000_000L;

    private final int length;
    private long[] times;
    private String[] whats;
    private String[] names;
    private long total;
    private long digest = 0xcbf29ce484222325L;

    Trace(int length) {
        this.length = length;
        int first = Math.min(length, 64);
        times = new long[first];
        whats = new String[first];
        names = new String[first];
    }

    void add(long nanos, String what, String name) {
        if (total == times.length && times.length < length) {
            int bigger = (int) Math.min(length, 4L * times.length);
            times = Arrays.copyOf(times, bigger);
            whats = Arrays.copyOf(whats, bigger);
            names = Arrays.copyOf(names, bigger);
        }
        int slot = (int) (total++ % times.length);
        times[slot] = nanos;
        whats[slot] = what;
        names[slot] = name;
        digest = (digest ^ nanos) * FNV_PRIME;
        digest = (digest ^ what.hashCode()) * FNV_PRIME;
        digest = (digest ^ name.hashCode()) * FNV_PRIME;
    }

    /** A line for each decision that is kept, oldest first, after a line on all of them. */
    String text(long seed) {
        var text = new StringBuilder();
        text.append("seed %d, %d decisions, digest %016x\n".formatted(seed, total, digest));
        for (long i = Math.max(0, total - times.length); i < total; i++) {
            int slot = (int) (i % times.length);
            text.append(time(times[slot])).append(' ').append(whats[slot]).append(' ');
            text.append(names[slot]).append('\n');
        }
        return text.toString();
    }

    long digest() {
        return digest;
    }

    static String time(long nanos) {
        return String.format(Locale.ROOT, "%d.%09d", nanos / SECOND, nanos % SECOND);
    }
}
