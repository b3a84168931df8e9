package cloud.avila.avx.sample.graphite;

import cloud.avila.avx.sample.ingest.Intake;
import cloud.avila.avx.sample.ingest.Protocol;
import cloud.avila.avx.sample.line.LineFramer;
import cloud.avila.avx.sample.line.RejectReason;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** One connection: reads lines until its end, or until it is silent or slow for too long. */
final class GraphiteConnection {
    /** The bytes of a connection, with the longest wait for the next. */
    interface Source {
        /**
         * Reads some bytes.
         *
         * @return how many, or -1 at the end
         * @throws SocketTimeoutException if nothing came within the timeout
         */
        int read(ByteBuffer into, Duration timeout) throws IOException, InterruptedException;

        /**
         * Reads the bytes that are there.
         *
         * @return how many, or -1 at the end
         */
        int readNow(ByteBuffer into) throws IOException;
    }

    /** A sender in full flow is always ready: the worker's other fibers get their turn. */
    private static final int READS_PER_TURN = 16;

    /** What is read at the end, so that a sender in full flow cannot put it off. */
    private static final int MAX_REST = 1024 * 1024;

    private final Source source;
    private final Intake intake;
    private final Intake.Parser parser;
    private final Duration idleTimeout;
    private final Duration lineTimeout;
    private final LineFramer framer = new LineFramer(Intake.MAX_LINE_LENGTH);
    private final LineFramer.Handler lines =
            new LineFramer.Handler() {
                @Override
                public void line(byte[] bytes, int offset, int length) throws InterruptedException {
                    completed++;
                    intake.put(Protocol.GRAPHITE, parser, bytes, offset, length);
                }

                @Override
                public void oversize() {
                    intake.reject(
                            Protocol.GRAPHITE,
                            RejectReason.TOO_LONG,
                            "more than " + Intake.MAX_LINE_LENGTH + " bytes without a line end",
                            "");
                }
            };
    private long completed;

    GraphiteConnection(
            Source source,
            Intake intake,
            Intake.Parser parser,
            Duration idleTimeout,
            Duration lineTimeout) {
        this.source = source;
        this.intake = intake;
        this.parser = parser;
        this.idleTimeout = idleTimeout;
        this.lineTimeout = lineTimeout;
    }

    /**
     * Reads to the end, or until interrupted: then it takes what has arrived.
     *
     * @throws SocketTimeoutException if the connection was silent or slow
     * @throws IOException if it broke
     */
    void run() throws IOException, InterruptedException {
        try {
            readLines();
        } finally {
            if (framer.insideLine()) {
                intake.reject(
                        Protocol.GRAPHITE,
                        RejectReason.UNTERMINATED,
                        "the connection ended inside a line",
                        "");
            }
        }
    }

    private void readLines() throws IOException, InterruptedException {
        long lineStarted = 0;
        for (int reads = 1; ; reads++) {
            boolean inside = framer.insideLine();
            Duration timeout = inside ? lineTimeLeft(lineStarted) : idleTimeout;
            int count;
            try {
                count = source.read(framer.room(), timeout);
            } catch (InterruptedException stop) {
                readRest();
                return;
            }
            if (count < 0) {
                return;
            }
            long before = completed;
            framer.received(count, lines);
            if (!inside || completed != before) {
                lineStarted = System.nanoTime();
            }
            if (reads % READS_PER_TURN == 0) {
                Thread.yield();
            }
        }
    }

    private void readRest() throws IOException, InterruptedException {
        for (int rest = 0; rest < MAX_REST; ) {
            int count = source.readNow(framer.room());
            if (count <= 0) {
                return;
            }
            framer.received(count, lines);
            rest += count;
        }
    }

    private Duration lineTimeLeft(long lineStarted) throws SocketTimeoutException {
        Duration left = lineTimeout.minusNanos(System.nanoTime() - lineStarted);
        if (!left.isPositive()) {
            throw new SocketTimeoutException("a line was not complete after " + lineTimeout);
        }
        return left.compareTo(idleTimeout) < 0 ? left : idleTimeout;
    }
}
