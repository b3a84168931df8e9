package cloud.avila.avx.channel;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;

/** Checks {@link Mpmc} against sequential queues, with segments so small that they matter. */
public class MpmcLincheckTest {
    @Test
    void boundedModelChecking() {
        Checks.modelCheck(Bounded.class, BoundedSpecification.class);
    }

    @Test
    void boundedStress() {
        Checks.stress(Bounded.class, BoundedSpecification.class);
    }

    @Test
    void conflatingModelChecking() {
        Checks.modelCheck(Conflating.class, ConflatingSpecification.class);
    }

    @Test
    void conflatingStress() {
        Checks.stress(Conflating.class, ConflatingSpecification.class);
    }

    @Test
    void droppingOldestModelChecking() {
        Checks.modelCheck(DroppingOldest.class, DroppingOldestSpecification.class);
    }

    @Test
    void droppingOldestStress() {
        Checks.stress(DroppingOldest.class, DroppingOldestSpecification.class);
    }

    @Test
    void droppingNewestModelChecking() {
        Checks.modelCheck(DroppingNewest.class, DroppingNewestSpecification.class);
    }

    @Test
    void droppingNewestStress() {
        Checks.stress(DroppingNewest.class, DroppingNewestSpecification.class);
    }

    /** A bounded channel. */
    public static class Bounded extends Subject {
        /** Two messages, segments of two; positions start at zero again after two. */
        public Bounded() {
            super(Mpmc.of(MpmcQueue.bounded(2, 2, -1)));
        }
    }

    /** A channel that keeps the newest. */
    public static class Conflating extends Subject {
        /** Segments of two. */
        public Conflating() {
            super(Mpmc.of(MpmcQueue.droppingOldest(1, 2)));
        }
    }

    /** A channel that keeps the two newest. */
    public static class DroppingOldest extends Subject {
        /** Segments of two. */
        public DroppingOldest() {
            super(Mpmc.of(MpmcQueue.droppingOldest(2, 2)));
        }
    }

    /** A channel that keeps what it has. */
    public static class DroppingNewest extends Subject {
        /** Two messages, segments of two. */
        public DroppingNewest() {
            super(Mpmc.of(MpmcQueue.droppingNewest(2, 2)));
        }

        /** Sends, or drops it. */
        @Operation
        public String send(@Param(name = "value") int value) throws InterruptedException {
            try {
                sender.send(value);
                return "Sent";
            } catch (ChannelClosedException e) {
                return "Closed";
            }
        }
    }

    /** A channel under test. */
    @Param(name = "value", gen = IntGen.class)
    public abstract static class Subject {
        final Sender<Integer> sender;
        private final SharedReceiver<Integer> receiver;

        Subject(Mpmc<Integer> channel) {
            sender = channel.sender();
            receiver = channel.receiver();
        }

        /** Sends. */
        @Operation
        public String trySend(@Param(name = "value") int value) {
            return sender.trySend(value).getClass().getSimpleName();
        }

        /** Receives. */
        @Operation
        public String tryRecv() {
            return switch (receiver.tryRecv()) {
                case RecvResult.Received<Integer>(Integer m) -> m.toString();
                case RecvResult.Empty<Integer> e -> "Empty";
                case RecvResult.Closed<Integer> c -> "Closed";
            };
        }

        /** Closes. */
        @Operation(nonParallelGroup = "closer")
        public void close() {
            receiver.close();
        }
    }

    /** Two messages, then full. */
    public static class BoundedSpecification extends Specification {
        /** As it says. */
        public BoundedSpecification() {
            super(2, false);
        }
    }

    /** The newest message. */
    public static class ConflatingSpecification extends Specification {
        /** As it says. */
        public ConflatingSpecification() {
            super(1, true);
        }
    }

    /** The two newest messages. */
    public static class DroppingOldestSpecification extends Specification {
        /** As it says. */
        public DroppingOldestSpecification() {
            super(2, true);
        }
    }

    /** The two oldest messages. */
    public static class DroppingNewestSpecification extends Specification {
        /** As it says. */
        public DroppingNewestSpecification() {
            super(2, false);
        }

        /** Sends, or drops it. */
        public String send(int value) {
            return trySend(value).equals("Closed") ? "Closed" : "Sent";
        }
    }

    /** What a channel does. */
    public abstract static class Specification {
        private final ArrayDeque<Integer> messages = new ArrayDeque<>();
        private final int capacity;
        private final boolean dropsOldest;
        private boolean closed;

        Specification(int capacity, boolean dropsOldest) {
            this.capacity = capacity;
            this.dropsOldest = dropsOldest;
        }

        /** Sends. */
        public String trySend(int value) {
            if (closed) {
                return "Closed";
            }
            if (messages.size() == capacity) {
                if (!dropsOldest) {
                    return "Full";
                }
                messages.remove();
            }
            messages.add(value);
            return "Sent";
        }

        /** Receives. */
        public String tryRecv() {
            Integer m = messages.poll();
            return m != null ? m.toString() : closed ? "Closed" : "Empty";
        }

        /** Closes. */
        public void close() {
            closed = true;
        }
    }
}
