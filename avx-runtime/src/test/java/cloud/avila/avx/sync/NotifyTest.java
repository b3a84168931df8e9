package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

@Timeout(60)
class NotifyTest {
    private static final Duration LONG = Duration.ofHours(1);

    private final Notify notify = new Notify();

    private List<Background<Boolean>> waiters(int count) {
        var waiting = new ArrayList<Background<Boolean>>();
        for (int i = 0; i < count; i++) {
            waiting.add(Background.parkedStep(notify::await));
        }
        return waiting;
    }

    private boolean permit() throws InterruptedException {
        return notify.await(Duration.ZERO);
    }

    @Test
    void notificationsThatFindNobodyMakeOnePermit() throws Exception {
        assertFalse(permit());
        notify.notifyOne();
        notify.notifyLast();
        notify.notifyOne();
        notify.await();
        assertFalse(permit());
        notify.notifyLast();
        assertTrue(notify.await(LONG));
        assertFalse(permit());
    }

    @Test
    void notifyOneWakesInTheOrderOfArrival() throws Exception {
        for (var waiting : waiters(5)) {
            notify.notifyOne();
            waiting.join();
        }
        assertFalse(permit());
    }

    @Test
    void notifyLastWakesTheLatestFirst() throws Exception {
        for (var waiting : waiters(5).reversed()) {
            notify.notifyLast();
            waiting.join();
        }
        assertFalse(permit());
    }

    @Test
    void bothEndsAreServed() throws Exception {
        var waiting = waiters(4);
        notify.notifyLast();
        waiting.get(3).join();
        notify.notifyOne();
        waiting.get(0).join();
        notify.notifyLast();
        waiting.get(2).join();
        notify.notifyOne();
        waiting.get(1).join();
    }

    @Test
    void notifyWaitersWakesAllWhoWaitAndLeavesNoPermit() throws Exception {
        notify.notifyWaiters();
        assertFalse(permit());
        for (int round = 0; round < 3; round++) {
            var waiting = waiters(6);
            notify.notifyWaiters();
            for (var w : waiting) {
                w.join();
            }
            assertFalse(permit());
        }
    }

    @Test
    void notifyWaitersLeavesAPermitThatIsThere() throws Exception {
        notify.notifyOne();
        notify.notifyWaiters();
        assertTrue(permit());
    }

    @Test
    void aTicketIsReachedByNotifyWaitersBeforeTheWaitBegins() throws Exception {
        try (var ticket = notify.notified()) {
            notify.notifyWaiters();
            ticket.await();
            ticket.await();
            assertTrue(ticket.enable());
            assertTrue(ticket.await(Duration.ZERO));
        }
        assertFalse(permit());
        try (var ticket = notify.notified()) {
            assertFalse(ticket.await(Duration.ofMillis(2)));
            notify.notifyWaiters();
            assertTrue(ticket.await(Duration.ZERO));
        }
    }

    @Test
    void aTicketThatWasNotEnabledTakesThePermitButIsNotChosen() throws Exception {
        try (var early = notify.notified();
                var late = notify.notified()) {
            notify.notifyOne();
            notify.notifyOne();
            early.await();
            assertFalse(late.await(Duration.ZERO));
        }
    }

    @Test
    void anEnabledTicketIsChosenBeforeTheWaitBegins() throws Exception {
        try (var early = notify.notified();
                var late = notify.notified()) {
            assertFalse(early.enable());
            assertFalse(late.enable());
            notify.notifyOne();
            assertTrue(early.enable());
            assertFalse(late.enable());
            notify.notifyOne();
            late.await();
            early.await();
        }
        assertFalse(permit());
    }

    @Test
    void aTicketThatIsClosedPassesItsNotificationOn() throws Exception {
        var first = notify.notified();
        var second = notify.notified();
        first.enable();
        second.enable();
        notify.notifyOne();
        first.close();
        first.close();
        assertTrue(second.enable());
        second.close();
        assertFalse(permit(), "it was known to the second");
        var third = notify.notified();
        third.enable();
        var fourth = Background.parkedStep(notify::await);
        var fifth = notify.notified();
        fifth.enable();
        notify.notifyLast();
        fifth.close();
        fourth.join();
        third.close();
        assertFalse(permit());
        var sixth = notify.notified();
        sixth.enable();
        notify.notifyOne();
        sixth.close();
        assertTrue(permit());
    }

    @Test
    void aTicketThatIsClosedUnnotifiedLeavesTheQueue() throws Exception {
        var ticket = notify.notified();
        ticket.enable();
        ticket.close();
        notify.notifyOne();
        assertTrue(permit());
        assertThrows(IllegalStateException.class, ticket::enable);
        assertThrows(IllegalStateException.class, ticket::await);
    }

    @Test
    void notifyWaitersReachesAnEnabledTicketOnce() throws Exception {
        try (var ticket = notify.notified()) {
            ticket.enable();
            notify.notifyOne();
            notify.notifyWaiters();
            ticket.await();
        }
        assertFalse(permit(), "it has used up the first");
    }

    @Test
    void anInterruptedTicketCanBeUsedFurther() throws Exception {
        var ended =
                Background.parked(
                        () -> {
                            try (var ticket = notify.notified()) {
                                assertThrows(InterruptedException.class, ticket::await);
                                notify.notifyWaiters();
                                return ticket.await(Duration.ZERO);
                            }
                        });
        ended.interrupt();
        assertTrue(ended.join());
    }

    @Test
    void aTicketIsForOneThread() throws Exception {
        var ticket = notify.notified();
        ticket.enable();
        for (Background.Step step :
                List.<Background.Step>of(ticket::enable, ticket::await, ticket::close)) {
            var failure =
                    Background.start(
                                    () -> {
                                        step.run();
                                        return true;
                                    })
                            .failure();
            assertInstanceOf(IllegalStateException.class, failure);
        }
        ticket.close();
    }

    @Test
    void tellsHowItStands() throws Exception {
        assertEquals("Notify[0 waiting]", notify.toString());
        notify.notifyOne();
        assertEquals("Notify[permit]", notify.toString());
        notify.await();
        var waiting = waiters(2);
        assertEquals("Notify[2 waiting]", notify.toString());
        notify.notifyWaiters();
        for (var w : waiting) {
            w.join();
        }
        assertEquals("Notify[0 waiting]", notify.toString());
    }
}
