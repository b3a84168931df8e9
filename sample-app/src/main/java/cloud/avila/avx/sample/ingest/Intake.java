package cloud.avila.avx.sample.ingest;

import cloud.avila.avx.channel.SendResult;
import cloud.avila.avx.sample.line.RejectReason;
import cloud.avila.avx.sample.line.RejectedLineException;
import cloud.avila.avx.sample.line.Sample;
import cloud.avila.avx.sample.line.SeriesName;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Where both listeners bring their lines: decodes, parses, counts and logs what is refused, and
 * queues the rest. Thread-safe.
 */
public final class Intake {
    /** The longest line, in bytes without its end. */
    public static final int MAX_LINE_LENGTH = 8 * 1024;

    private static final Duration LOG_PERIOD = Duration.ofSeconds(10);

    /** A protocol's parser. */
    @FunctionalInterface
    public interface Parser {
        /**
         * Parses one line.
         *
         * @param line the line without its end
         * @return the sample
         * @throws RejectedLineException if the line is not of the protocol
         */
        Sample parse(String line) throws RejectedLineException;
    }

    private final IngestQueue queue;
    private final IngestStats stats;
    private final SeriesLimit limit;
    private final RejectionLog log = new RejectionLog(LOG_PERIOD, System::nanoTime);

    /**
     * Creates the intake.
     *
     * @param queue where samples go
     * @param stats counts
     * @param limit bounds the names
     */
    public Intake(IngestQueue queue, IngestStats stats, SeriesLimit limit) {
        this.queue = queue;
        this.stats = stats;
        this.limit = limit;
    }

    /**
     * Takes a line and waits while the queue is full, which makes a TCP sender wait.
     *
     * @param protocol how it came
     * @param parser its parser
     * @param bytes holds the line
     * @param offset the line's first byte
     * @param length the line's length
     * @throws InterruptedException if interrupted while waiting
     */
    public void put(Protocol protocol, Parser parser, byte[] bytes, int offset, int length)
            throws InterruptedException {
        QueuedSample sample = sample(protocol, parser, bytes, offset, length);
        if (sample != null && !queue.put(sample)) {
            stats.addDropped(DropReason.STOPPING, 1);
        }
    }

    /**
     * Takes a line and sheds it if the queue is full.
     *
     * @param protocol how it came
     * @param parser its parser
     * @param bytes holds the line
     * @param offset the line's first byte
     * @param length the line's length
     */
    public void offer(Protocol protocol, Parser parser, byte[] bytes, int offset, int length) {
        QueuedSample sample = sample(protocol, parser, bytes, offset, length);
        if (sample != null) {
            switch (queue.offer(sample)) {
                case SendResult.Sent() -> {}
                case SendResult.Full() -> stats.addDropped(DropReason.QUEUE_FULL, 1);
                case SendResult.Closed() -> stats.addDropped(DropReason.STOPPING, 1);
            }
        }
    }

    /**
     * Counts and logs a line that cannot be read at all.
     *
     * @param protocol how it came
     * @param reason why
     * @param detail what is wrong
     * @param excerpt the line or its beginning
     */
    public void reject(Protocol protocol, RejectReason reason, String detail, String excerpt) {
        stats.addRejected(reason);
        log.log(protocol, reason, detail, excerpt, stats.rejected(reason));
    }

    private @Nullable QueuedSample sample(
            Protocol protocol, Parser parser, byte[] bytes, int offset, int length) {
        if (length == 0) {
            return null;
        }
        String line;
        try {
            line =
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes, offset, length))
                            .toString();
        } catch (CharacterCodingException e) {
            String excerpt = new String(bytes, offset, length, StandardCharsets.ISO_8859_1);
            reject(protocol, RejectReason.NOT_UTF8, "not UTF-8", excerpt);
            return null;
        }
        try {
            Sample sample = parser.parse(line);
            if (!limit.admit(limitedName(sample))) {
                throw new RejectedLineException(
                        RejectReason.TOO_MANY_SERIES,
                        "a new series '"
                                + sample.series()
                                + "' beyond the limit of "
                                + limit.max()
                                + "; raise gateway.ingest.max-series to take it");
            }
            return new QueuedSample(protocol, sample);
        } catch (RejectedLineException e) {
            reject(protocol, e.reason(), String.valueOf(e.getMessage()), line);
            return null;
        }
    }

    /**
     * A timing is known by one of the names it is stored under, so that a restart finds it again.
     */
    private static String limitedName(Sample sample) {
        return sample instanceof Sample.Timing
                ? SeriesName.withSuffix(sample.series(), ".count")
                : sample.series();
    }
}
