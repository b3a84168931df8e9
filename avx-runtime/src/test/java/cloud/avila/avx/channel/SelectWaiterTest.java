package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

class SelectWaiterTest {
    @Test
    void aQueueTellsWaitersOfThreadsAndOfTasksAmongItsOwn() throws Exception {
        var queue = new Turnstile();
        var polls = new AtomicInteger();
        var task = new SelectWaiter(polls::incrementAndGet);
        var thread = new AtomicReference<SelectWaiter>();
        Thread parked =
                Thread.startVirtualThread(
                        () -> {
                            var mine = new SelectWaiter();
                            thread.set(mine);
                            queue.add(mine);
                            while (!mine.isTold()) {
                                Parker.park(queue);
                            }
                        });
        while (queue.isEmpty()) {
            Thread.onSpinWait();
        }
        queue.add(task);
        queue.letThrough(2);

        parked.join();
        assertTrue(thread.get().isTold());
        assertTrue(task.isTold());
        assertEquals(1, polls.get(), "a task is woken even by its own thread");
        assertTrue(queue.isEmpty());
    }

    @Test
    void aWaiterIsToldOnceAndNotAfterItHasWithdrawn() {
        var polls = new AtomicInteger();
        var waiter = new SelectWaiter(polls::incrementAndGet);
        assertTrue(waiter.tell());
        assertFalse(waiter.tell());
        assertEquals(1, polls.get());

        var queue = new Turnstile();
        var withdrawn = new SelectWaiter(polls::incrementAndGet);
        queue.add(withdrawn);
        assertTrue(queue.withdraw(withdrawn));
        assertFalse(withdrawn.tell());
        queue.letThrough(1);
        assertEquals(Waiter.WITHDRAWN, withdrawn.outcome());
        assertEquals(1, polls.get());
        assertTrue(queue.isEmpty());
    }

    private static final class Turnstile extends WaitQueue<Waiter> {
        private final AtomicInteger free = new AtomicInteger();

        void letThrough(int n) {
            free.addAndGet(n);
            service();
        }

        @Override
        protected void serve() {
            for (Waiter w; free.get() > 0 && (w = first()) != null; ) {
                if (grant(w, SelectWaiter.TOLD)) {
                    free.decrementAndGet();
                }
            }
        }
    }
}
