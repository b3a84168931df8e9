package cloud.avila.avx.sample.ingest;

import cloud.avila.avx.sample.line.RejectReason;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** What became of every line, counted since start. Thread-safe. */
public final class IngestStats {
    private final Map<Protocol, LongAdder> accepted = adders(Protocol.class);
    private final Map<RejectReason, LongAdder> rejected = adders(RejectReason.class);
    private final Map<DropReason, LongAdder> dropped = adders(DropReason.class);

    private static <E extends Enum<E>> Map<E, LongAdder> adders(Class<E> keys) {
        var adders = new EnumMap<E, LongAdder>(keys);
        for (E key : keys.getEnumConstants()) {
            adders.put(key, new LongAdder());
        }
        return Map.copyOf(adders);
    }

    /**
     * Counts lines that are in the journal.
     *
     * @param protocol how they came
     * @param lines how many
     */
    public void addAccepted(Protocol protocol, long lines) {
        adder(accepted, protocol).add(lines);
    }

    /**
     * Counts a refused line.
     *
     * @param reason why
     */
    public void addRejected(RejectReason reason) {
        adder(rejected, reason).increment();
    }

    /**
     * Counts shed lines.
     *
     * @param reason why
     * @param lines how many
     */
    public void addDropped(DropReason reason, long lines) {
        adder(dropped, reason).add(lines);
    }

    /**
     * Lines accepted.
     *
     * @param protocol how they came
     * @return the count
     */
    public long accepted(Protocol protocol) {
        return adder(accepted, protocol).sum();
    }

    /**
     * Lines refused.
     *
     * @param reason why
     * @return the count
     */
    public long rejected(RejectReason reason) {
        return adder(rejected, reason).sum();
    }

    /**
     * Lines shed.
     *
     * @param reason why
     * @return the count
     */
    public long dropped(DropReason reason) {
        return adder(dropped, reason).sum();
    }

    @SuppressWarnings("NullAway") // every constant of the enum has its adder
    private static <E extends Enum<E>> LongAdder adder(Map<E, LongAdder> adders, E key) {
        return adders.get(key);
    }
}
