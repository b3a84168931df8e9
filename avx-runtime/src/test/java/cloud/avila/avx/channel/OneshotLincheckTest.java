package cloud.avila.avx.channel;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Checks {@link Oneshot} against its state machine. */
@Param(name = "value", gen = IntGen.class)
public class OneshotLincheckTest {
    private final Oneshot<Integer> oneshot = Oneshot.create();

    @Test
    void modelChecking() {
        Checks.modelCheck(OneshotLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(OneshotLincheckTest.class, Specification.class);
    }

    /** Sends. */
    @Operation
    public String trySend(@Param(name = "value") int value) {
        try {
            return oneshot.trySend(value).getClass().getSimpleName();
        } catch (IllegalStateException e) {
            return "sent before";
        }
    }

    /** Receives. */
    @Operation
    public String tryRecv() {
        try {
            return switch (oneshot.tryRecv()) {
                case RecvResult.Received<Integer>(Integer m) -> m.toString();
                case RecvResult.Empty<Integer> e -> "Empty";
                case RecvResult.Closed<Integer> c -> "Closed";
            };
        } catch (IllegalStateException e) {
            return "received before";
        }
    }

    /** Closes. */
    @Operation
    public void close() {
        oneshot.close();
    }

    /** What a oneshot does. */
    public static class Specification {
        private @Nullable Integer value;
        private boolean sent;
        private boolean closed;

        /** Sends. */
        public String trySend(int v) {
            if (closed) {
                return "Closed";
            }
            if (sent) {
                return "sent before";
            }
            sent = true;
            value = v;
            return "Sent";
        }

        /** Receives. */
        public String tryRecv() {
            if (closed) {
                return "Closed";
            }
            if (!sent) {
                return "Empty";
            }
            Integer v = value;
            value = null;
            return v == null ? "received before" : v.toString();
        }

        /** Closes. */
        public void close() {
            closed = !sent;
        }
    }
}
