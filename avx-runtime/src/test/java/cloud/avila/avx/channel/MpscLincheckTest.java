package cloud.avila.avx.channel;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;

/** Checks {@link Mpsc} against a sequential queue, with segments so small that they matter. */
public class MpscLincheckTest {
    @Test
    void boundedModelChecking() {
        Checks.modelCheck(Bounded.class, BoundedSpecification.class);
    }

    @Test
    void boundedStress() {
        Checks.stress(Bounded.class, BoundedSpecification.class);
    }

    @Test
    void unboundedModelChecking() {
        Checks.modelCheck(Unbounded.class, UnboundedSpecification.class);
    }

    @Test
    void unboundedStress() {
        Checks.stress(Unbounded.class, UnboundedSpecification.class);
    }

    /** A bounded channel. */
    public static class Bounded extends Subject {
        /** Two messages, segments of two; positions start at zero again after two. */
        public Bounded() {
            super(Mpsc.withSegments(2, 2, -1));
        }
    }

    /** An unbounded channel. */
    public static class Unbounded extends Subject {
        /** Segments of two. */
        public Unbounded() {
            super(Mpsc.withSegments(MpscQueue.UNBOUNDED, 2));
        }
    }

    /** A channel under test. */
    @Param(name = "value", gen = IntGen.class)
    public abstract static class Subject {
        private final Sender<Integer> sender;
        private final Receiver<Integer> receiver;
        private final ArrayDeque<SendPermit<Integer>> permits = new ArrayDeque<>();

        Subject(Mpsc<Integer> channel) {
            sender = channel.sender();
            receiver = channel.receiver();
        }

        /** Sends. */
        @Operation
        public String trySend(@Param(name = "value") int value) {
            return sender.trySend(value).getClass().getSimpleName();
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

        /** Reserves a place. */
        @Operation(nonParallelGroup = "permits")
        public String tryReserve() {
            try {
                SendPermit<Integer> permit = sender.tryReserve();
                if (permit == null) {
                    return "Full";
                }
                permits.add(permit);
                return "Reserved";
            } catch (ChannelClosedException e) {
                return "Closed";
            }
        }

        /** Sends into a reserved place. */
        @Operation(nonParallelGroup = "permits")
        public String sendReserved(@Param(name = "value") int value) {
            SendPermit<Integer> permit = permits.poll();
            if (permit == null) {
                return "None";
            }
            permit.send(value);
            return "Sent";
        }

        /** Gives a reserved place back. */
        @Operation(nonParallelGroup = "permits")
        public String release() {
            SendPermit<Integer> permit = permits.poll();
            if (permit == null) {
                return "None";
            }
            permit.close();
            return "Released";
        }

        /** Closes. */
        @Operation
        public void close() {
            receiver.close();
        }
    }

    /** The bounded specification. */
    public static class BoundedSpecification extends Specification {
        /** Two messages. */
        public BoundedSpecification() {
            super(2);
        }
    }

    /** The unbounded specification. */
    public static class UnboundedSpecification extends Specification {
        /** Any number of messages. */
        public UnboundedSpecification() {
            super(Integer.MAX_VALUE);
        }
    }

    /** What a channel does. */
    public abstract static class Specification {
        private final ArrayDeque<Integer> messages = new ArrayDeque<>();
        private final int capacity;
        private boolean closed;
        private int reserved;

        Specification(int capacity) {
            this.capacity = capacity;
        }

        /** Sends. */
        public String trySend(int value) {
            if (closed) {
                return "Closed";
            }
            if (messages.size() + reserved == capacity) {
                return "Full";
            }
            messages.add(value);
            return "Sent";
        }

        /** Reserves a place. */
        public String tryReserve() {
            if (closed) {
                return "Closed";
            }
            if (messages.size() + reserved == capacity) {
                return "Full";
            }
            reserved++;
            return "Reserved";
        }

        /** Sends into a reserved place. */
        public String sendReserved(int value) {
            if (reserved == 0) {
                return "None";
            }
            reserved--;
            messages.add(value);
            return "Sent";
        }

        /** Gives a reserved place back. */
        public String release() {
            if (reserved == 0) {
                return "None";
            }
            reserved--;
            return "Released";
        }

        /** Receives. */
        public String tryRecv() {
            Integer m = messages.poll();
            return m != null ? m.toString() : closed && reserved == 0 ? "Closed" : "Empty";
        }

        /** Closes. */
        public void close() {
            closed = true;
        }
    }
}
