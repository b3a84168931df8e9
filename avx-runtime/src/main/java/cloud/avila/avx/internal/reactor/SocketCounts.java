package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the sockets of a driver have done, by kind.
 *
 * <p>Any thread may use any socket, so each count is a {@link LongAdder}: one atomic addition to a
 * line of memory that is seldom another processor's, beside a system call that costs many times as
 * much. It neither locks nor parks, so it may be used while the scratch memory is.
 */
final class SocketCounts {
    /** The counts of one kind. Each socket keeps those of its kind. */
    static final class Of {
        private final SocketKind kind;
        private final LongAdder opened = new LongAdder();
        private final LongAdder closed = new LongAdder();
        private final LongAdder accepted = new LongAdder();
        private final LongAdder acceptFailures = new LongAdder();
        private final LongAdder bytesReceived = new LongAdder();
        private final LongAdder bytesSent = new LongAdder();
        private final LongAdder datagramsReceived = new LongAdder();
        private final LongAdder datagramsSent = new LongAdder();
        private final LongAdder datagramsTruncated = new LongAdder();

        private Of(SocketKind kind) {
            this.kind = kind;
        }

        SocketKind kind() {
            return kind;
        }

        void opened() {
            opened.increment();
        }

        /** Once for each that was opened. */
        void closed() {
            closed.increment();
        }

        void accepted() {
            accepted.increment();
        }

        void acceptFailed() {
            acceptFailures.increment();
        }

        void received(long bytes) {
            bytesReceived.add(bytes);
        }

        void sent(long bytes) {
            bytesSent.add(bytes);
        }

        void receivedDatagram(int length, int datagramLength) {
            receivedDatagrams(1, length, datagramLength > length ? 1 : 0);
        }

        void receivedDatagrams(int count, long bytes, int truncated) {
            bytesReceived.add(bytes);
            datagramsReceived.add(count);
            if (truncated > 0) {
                datagramsTruncated.add(truncated);
            }
        }

        void sentDatagrams(int count, long bytes) {
            bytesSent.add(bytes);
            datagramsSent.add(count);
        }

        private SocketMetrics metrics() {
            long closedBefore = closed.sum(); // first, so that no more are closed than opened
            long openedNow = opened.sum();
            return new SocketMetrics(
                    kind,
                    openedNow - closedBefore,
                    openedNow,
                    accepted.sum(),
                    acceptFailures.sum(),
                    bytesReceived.sum(),
                    bytesSent.sum(),
                    datagramsReceived.sum(),
                    datagramsSent.sum(),
                    datagramsTruncated.sum());
        }
    }

    private final Map<SocketKind, Of> kinds = new EnumMap<>(SocketKind.class);

    SocketCounts() {
        for (SocketKind kind : SocketKind.values()) {
            kinds.put(kind, new Of(kind));
        }
    }

    Of of(SocketKind kind) {
        Of counts = kinds.get(kind);
        if (counts == null) {
            throw new IllegalStateException("no counts of " + kind);
        }
        return counts;
    }

    /** One entry for each kind. */
    List<SocketMetrics> metrics() {
        var all = new ArrayList<SocketMetrics>();
        for (Of counts : kinds.values()) {
            all.add(counts.metrics());
        }
        return all;
    }
}
