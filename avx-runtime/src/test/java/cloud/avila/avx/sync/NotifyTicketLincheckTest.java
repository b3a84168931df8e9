package cloud.avila.avx.sync;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/** Checks one thread's ticket of a {@link Notify} against notifications of every kind. */
public class NotifyTicketLincheckTest {
    private final Notify notify = new Notify();
    private Notify.@Nullable Notified ticket;
    private boolean enabled;

    // a ticket is for one thread: all its operations are in the parallel part, in one group

    @Test
    void modelChecking() {
        new ModelCheckingOptions()
                .iterations(6)
                .invocationsPerIteration(500)
                .threads(3)
                .actorsPerThread(4)
                .actorsBefore(0)
                .actorsAfter(0)
                .sequentialSpecification(Specification.class)
                .check(NotifyTicketLincheckTest.class);
    }

    @Test
    void stress() {
        new StressOptions()
                .iterations(6)
                .invocationsPerIteration(1000)
                .threads(3)
                .actorsPerThread(4)
                .actorsBefore(0)
                .actorsAfter(0)
                .sequentialSpecification(Specification.class)
                .check(NotifyTicketLincheckTest.class);
    }

    /** Takes a ticket. */
    @Operation(nonParallelGroup = "ticket")
    public void take() {
        if (ticket == null) {
            ticket = notify.notified();
        }
    }

    /** Joins the queue, or takes the permit; once, for later it may or may not know already. */
    @Operation(nonParallelGroup = "ticket")
    public void enable() {
        if (ticket != null && !enabled) {
            ticket.enable();
            enabled = true;
        }
    }

    /** Asks whether the ticket was notified, and gives it up. */
    @Operation(nonParallelGroup = "ticket")
    public boolean awaitNothing() throws InterruptedException {
        if (ticket == null) {
            return false;
        }
        boolean notified = ticket.await(Duration.ZERO);
        ticket.close();
        ticket = null;
        enabled = false;
        return notified;
    }

    /** Gives the ticket up. */
    @Operation(nonParallelGroup = "ticket")
    public void close() {
        if (ticket != null) {
            ticket.close();
            ticket = null;
            enabled = false;
        }
    }

    /** Notifies one. */
    @Operation
    public void notifyOne() {
        notify.notifyOne();
    }

    /** Notifies all. */
    @Operation
    public void notifyWaiters() {
        notify.notifyWaiters();
    }

    /** Takes the permit or nothing. */
    @Operation
    public boolean takePermit() throws InterruptedException {
        return notify.await(Duration.ZERO);
    }

    /** What it comes to. */
    public static class Specification {
        private boolean permit;
        private boolean taken;
        private boolean queued;
        private boolean chosen;
        private boolean known;
        private boolean reached;

        /** Takes a ticket. */
        public void take() {
            taken = true;
        }

        /** Joins. */
        public void enable() {
            if (!queued && !chosen) {
                settle();
            }
        }

        private void settle() {
            if (taken && !known) {
                if (reached || chosen) {
                    known = true;
                    chosen = false;
                } else if (permit) {
                    permit = false;
                    known = true;
                } else {
                    queued = true;
                }
            }
        }

        /** Asks. */
        public boolean awaitNothing() {
            settle();
            boolean notified = known;
            drop();
            return notified;
        }

        /** Gives up. */
        public void close() {
            if (chosen) {
                permit = true;
            }
            drop();
        }

        private void drop() {
            taken = queued = chosen = known = reached = false;
        }

        /** Notifies. */
        public void notifyOne() {
            if (queued && !chosen && !reached) {
                chosen = true;
            } else {
                permit = true;
            }
        }

        /** Notifies. */
        public void notifyWaiters() {
            reached |= taken && !known;
        }

        /** Takes. */
        public boolean takePermit() {
            boolean was = permit;
            permit = false;
            return was;
        }
    }
}
