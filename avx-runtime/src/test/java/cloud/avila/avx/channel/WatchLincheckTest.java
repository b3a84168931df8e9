package cloud.avila.avx.channel;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** Checks {@link Watch} with one receiver against a value and what was seen of it. */
@Param(name = "value", gen = IntGen.class)
public class WatchLincheckTest {
    private final Watch<Integer> watch = Watch.of(0);
    private final WatchReceiver<Integer> receiver = watch.subscribe();

    @Test
    void modelChecking() {
        Checks.modelCheck(WatchLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(WatchLincheckTest.class, Specification.class);
    }

    /** Sends. */
    @Operation
    public boolean send(@Param(name = "value") int value) {
        try {
            watch.send(value);
            return true;
        } catch (ChannelClosedException e) {
            return false;
        }
    }

    /** Adds. */
    @Operation
    public int modify(@Param(name = "value") int value) {
        try {
            return watch.modify(n -> n + value);
        } catch (ChannelClosedException e) {
            return Integer.MIN_VALUE;
        }
    }

    /** Reads. */
    @Operation
    public int get() {
        return watch.get();
    }

    /** Receives. */
    @Operation(nonParallelGroup = "receiver")
    public String tryRecv() {
        return switch (receiver.tryRecv()) {
            case RecvResult.Received<Integer>(Integer m) -> m.toString();
            case RecvResult.Empty<Integer> e -> "Empty";
            case RecvResult.Closed<Integer> c -> "Closed";
        };
    }

    /** Looks. */
    @Operation(nonParallelGroup = "receiver")
    public boolean hasChanged() {
        return receiver.hasChanged();
    }

    /** Closes. */
    @Operation
    public void close() {
        watch.close();
    }

    /** What a watch does. */
    public static class Specification {
        private int value;
        private boolean changed;
        private boolean closed;

        /** Sends. */
        public boolean send(int v) {
            if (!closed) {
                value = v;
                changed = true;
            }
            return !closed;
        }

        /** Adds. */
        public int modify(int v) {
            return send(value + v) ? value : Integer.MIN_VALUE;
        }

        /** Reads. */
        public int get() {
            return value;
        }

        /** Receives. */
        public String tryRecv() {
            if (changed) {
                changed = false;
                return Integer.toString(value);
            }
            return closed ? "Closed" : "Empty";
        }

        /** Looks. */
        public boolean hasChanged() {
            return changed;
        }

        /** Closes. */
        public void close() {
            closed = true;
        }
    }
}
