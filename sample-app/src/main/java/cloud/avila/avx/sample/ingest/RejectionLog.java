package cloud.avila.avx.sample.ingest;

import cloud.avila.avx.sample.line.RejectReason;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Logs refused lines, at most one for each reason in a period, so that a flood cannot fill a disk.
 */
final class RejectionLog {
    private static final Logger LOG = LoggerFactory.getLogger(RejectionLog.class);
    private static final int EXCERPT = 120;

    private final long periodNanos;
    private final LongSupplier nanoTime;
    private final Map<RejectReason, AtomicLong> nextAllowed = new EnumMap<>(RejectReason.class);

    RejectionLog(Duration period, LongSupplier nanoTime) {
        this.periodNanos = period.toNanos();
        this.nanoTime = nanoTime;
        long now = nanoTime.getAsLong();
        for (RejectReason reason : RejectReason.values()) {
            nextAllowed.put(reason, new AtomicLong(now));
        }
    }

    boolean log(Protocol protocol, RejectReason reason, String detail, String line, long total) {
        long now = nanoTime.getAsLong();
        AtomicLong allowed = Objects.requireNonNull(nextAllowed.get(reason));
        long next = allowed.get();
        if (now - next < 0 || !allowed.compareAndSet(next, now + periodNanos)) {
            return false;
        }
        LOG.warn(
                "Refused a {} line ({}, {} so far): {}: \"{}\"",
                protocol.label(),
                reason.label(),
                total,
                printable(detail),
                printable(line));
        return true;
    }

    /** Keeps line breaks and escapes of a sender out of the log. */
    private static String printable(String text) {
        var out = new StringBuilder(Math.min(text.length(), EXCERPT) + 3);
        for (int i = 0; i < text.length() && i < EXCERPT; i++) {
            char c = text.charAt(i);
            out.append(Character.isISOControl(c) ? '?' : c);
        }
        return text.length() > EXCERPT ? out.append("...").toString() : out.toString();
    }
}
