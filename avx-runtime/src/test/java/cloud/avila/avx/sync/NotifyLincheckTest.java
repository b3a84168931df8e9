package cloud.avila.avx.sync;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/** Checks the permit of {@link Notify}, also with waiters that join the queue and leave it. */
public class NotifyLincheckTest {
    private final Notify notify = new Notify();

    @Test
    void modelChecking() {
        Checks.modelCheck(NotifyLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(NotifyLincheckTest.class, Specification.class);
    }

    /** Notifies. */
    @Operation
    public void notifyOne() {
        notify.notifyOne();
    }

    /** Notifies. */
    @Operation
    public void notifyLast() {
        notify.notifyLast();
    }

    /** Takes the permit or nothing. */
    @Operation
    public boolean takePermit() throws InterruptedException {
        return notify.await(Duration.ZERO);
    }

    /** Joins the queue and leaves it at once, unless notified in between. */
    @Operation
    public boolean passThroughTheQueue() throws InterruptedException {
        try (var ticket = notify.notified()) {
            return ticket.await(Duration.ZERO);
        }
    }

    /** What it comes to. */
    public static class Specification {
        private boolean permit;

        /** Notifies. */
        public void notifyOne() {
            permit = true;
        }

        /** Notifies. */
        public void notifyLast() {
            permit = true;
        }

        /** Takes. */
        public boolean takePermit() {
            boolean taken = permit;
            permit = false;
            return taken;
        }

        /** Takes. */
        public boolean passThroughTheQueue() {
            return takePermit();
        }
    }
}
