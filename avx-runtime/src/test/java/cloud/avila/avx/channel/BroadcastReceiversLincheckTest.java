package cloud.avila.avx.channel;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;

/** Checks receivers of a {@link Broadcast} that come and go against queues of their own. */
@Param(name = "value", gen = IntGen.class)
public class BroadcastReceiversLincheckTest {
    private final Broadcast<Integer> channel = Broadcast.create(16);
    private final Receiver<Integer> steady = channel.subscribe();
    private final Receiver<Integer> leaving = channel.subscribe();
    private volatile @Nullable Receiver<Integer> late;

    @Test
    void modelChecking() {
        Checks.modelCheck(BroadcastReceiversLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(BroadcastReceiversLincheckTest.class, Specification.class);
    }

    /** Sends. */
    @Operation
    public void send(@Param(name = "value") int value) {
        channel.send(value);
    }

    /** Receives. */
    @Operation(nonParallelGroup = "steady")
    public String steady() {
        return look(steady);
    }

    /** Receives with the one that may be closed. */
    @Operation(nonParallelGroup = "leaving")
    public String leaving() {
        return look(leaving);
    }

    /** Closes one. */
    @Operation
    public void leave() {
        leaving.close();
    }

    /** Subscribes one more, the first time, and receives with it. */
    @Operation(nonParallelGroup = "late")
    public String late() {
        Receiver<Integer> r = late;
        if (r == null) {
            late = channel.subscribe();
            return "subscribed";
        }
        return look(r);
    }

    private static String look(Receiver<Integer> receiver) {
        return switch (receiver.tryRecv()) {
            case RecvResult.Received<Integer>(Integer m) -> m.toString();
            case RecvResult.Empty<Integer> e -> "Empty";
            case RecvResult.Closed<Integer> c -> "Closed";
        };
    }

    /** What the receivers get. */
    public static class Specification {
        private final ArrayDeque<Integer> steady = new ArrayDeque<>();
        private @Nullable ArrayDeque<Integer> leaving = new ArrayDeque<>();
        private @Nullable ArrayDeque<Integer> late;

        /** Sends. */
        public void send(int value) {
            steady.add(value);
            if (leaving != null) {
                leaving.add(value);
            }
            if (late != null) {
                late.add(value);
            }
        }

        /** Receives. */
        public String steady() {
            return look(steady);
        }

        /** Receives. */
        public String leaving() {
            return leaving == null ? "Closed" : look(leaving);
        }

        /** Closes. */
        public void leave() {
            leaving = null;
        }

        /** Subscribes or receives. */
        public String late() {
            if (late == null) {
                late = new ArrayDeque<>();
                return "subscribed";
            }
            return look(late);
        }

        private static String look(ArrayDeque<Integer> queue) {
            Integer m = queue.poll();
            return m == null ? "Empty" : m.toString();
        }
    }
}
