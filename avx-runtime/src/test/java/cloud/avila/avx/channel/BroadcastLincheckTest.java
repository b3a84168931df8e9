package cloud.avila.avx.channel;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;

/** Checks {@link Broadcast} with one receiver against a sequential ring. */
@Param(name = "value", gen = IntGen.class)
public class BroadcastLincheckTest {
    private final Broadcast<Integer> channel = Broadcast.create(2);
    private final Receiver<Integer> receiver = channel.subscribe();

    @Test
    void modelChecking() {
        Checks.modelCheck(BroadcastLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(BroadcastLincheckTest.class, Specification.class);
    }

    /** Sends. */
    @Operation
    public String send(@Param(name = "value") int value) {
        try {
            return "to " + channel.send(value);
        } catch (ChannelClosedException e) {
            return "Closed";
        }
    }

    /** Receives. */
    @Operation(nonParallelGroup = "receiver")
    public String tryRecv() {
        try {
            return switch (receiver.tryRecv()) {
                case RecvResult.Received<Integer>(Integer m) -> m.toString();
                case RecvResult.Empty<Integer> e -> "Empty";
                case RecvResult.Closed<Integer> c -> "Closed";
            };
        } catch (LaggedException e) {
            return "missed " + e.missed();
        }
    }

    /** Closes. */
    @Operation
    public void close() {
        channel.close();
    }

    /** What the channel does. */
    public static class Specification {
        private final ArrayDeque<Integer> ring = new ArrayDeque<>();
        private int missed;
        private boolean closed;

        /** Sends. */
        public String send(int value) {
            if (closed) {
                return "Closed";
            }
            if (ring.size() == 2) {
                ring.remove();
                missed++;
            }
            ring.add(value);
            return "to 1";
        }

        /** Receives. */
        public String tryRecv() {
            if (missed > 0) {
                String lag = "missed " + missed;
                missed = 0;
                return lag;
            }
            Integer m = ring.poll();
            return m != null ? m.toString() : closed ? "Closed" : "Empty";
        }

        /** Closes. */
        public void close() {
            closed = true;
        }
    }
}
