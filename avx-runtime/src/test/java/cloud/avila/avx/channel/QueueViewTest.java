package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What the JDK asks of a {@link BlockingQueue}, in segments of two elements. */
@Timeout(60)
class QueueViewTest {
    private static final int SIZE = 5;

    private final Mpmc<Integer> channel = Mpmc.of(MpmcQueue.bounded(SIZE, 2, -1));
    private final BlockingQueue<Integer> queue = channel.asBlockingQueue();

    private void fill() {
        for (int i = 0; i < SIZE; i++) {
            assertTrue(queue.add(i));
        }
    }

    @SuppressWarnings({"NullAway", "DataFlowIssue"})
    private static <T> T none() {
        return (T) (Object) null;
    }

    @Test
    void anEmptyQueueHasNothing() throws Exception {
        assertTrue(queue.isEmpty());
        assertEquals(0, queue.size());
        assertEquals(SIZE, queue.remainingCapacity());
        assertNull(queue.poll());
        assertNull(queue.peek());
        assertNull(queue.poll(0, TimeUnit.SECONDS));
        assertNull(queue.poll(-1, TimeUnit.SECONDS));
        assertNull(queue.poll(5, TimeUnit.MILLISECONDS));
        assertThrows(NoSuchElementException.class, queue::element);
        assertThrows(NoSuchElementException.class, queue::remove);
        assertFalse(queue.iterator().hasNext());
        assertThrows(NoSuchElementException.class, () -> queue.iterator().next());
        assertEquals(0, queue.toArray().length);
        assertEquals("[]", queue.toString());
        assertFalse(queue.contains(1));
        assertFalse(queue.remove(1));
    }

    @Test
    void aFullQueueTakesNoMore() throws Exception {
        fill();
        assertFalse(queue.isEmpty());
        assertEquals(SIZE, queue.size());
        assertEquals(0, queue.remainingCapacity());
        assertFalse(queue.offer(SIZE));
        assertFalse(queue.offer(SIZE, 5, TimeUnit.MILLISECONDS));
        assertFalse(queue.offer(SIZE, -1, TimeUnit.SECONDS));
        assertThrows(IllegalStateException.class, () -> queue.add(SIZE));
        assertThrows(IllegalStateException.class, () -> queue.addAll(List.of(1)));
        for (int i = 0; i < SIZE; i++) {
            assertEquals(i, queue.element());
            assertEquals(i, queue.peek());
            assertEquals(SIZE - i, queue.size());
            assertEquals(i, queue.remove());
        }
        assertTrue(queue.isEmpty());
    }

    @Test
    void nullIsRefused() {
        assertThrows(NullPointerException.class, () -> queue.offer(none()));
        assertThrows(NullPointerException.class, () -> queue.add(none()));
        assertThrows(NullPointerException.class, () -> queue.put(none()));
        assertThrows(NullPointerException.class, () -> queue.offer(none(), 1, TimeUnit.DAYS));
        assertThrows(NullPointerException.class, () -> queue.addAll(none()));
        assertThrows(NullPointerException.class, () -> queue.addAll(Arrays.asList(1, none())));
        assertThrows(NullPointerException.class, () -> queue.drainTo(none()));
        assertThrows(NullPointerException.class, () -> queue.drainTo(none(), 1));
        assertThrows(NullPointerException.class, () -> queue.toArray((Object[]) none()));
        assertFalse(queue.contains(none()));
        assertFalse(queue.remove((Object) none()));
        assertEquals(1, queue.size());
    }

    @Test
    void putWaitsForRoomAndTakeForAnElement() throws Exception {
        var taking = Background.parked(queue::take);
        queue.put(7);
        assertEquals(7, taking.join());
        var polling = Background.parked(() -> queue.poll(1, TimeUnit.DAYS));
        assertTrue(queue.offer(8, 1, TimeUnit.DAYS));
        assertEquals(8, polling.join());
        fill();
        var putting = Background.parkedStep(() -> queue.put(SIZE));
        var offering = Background.parked(() -> queue.offer(SIZE + 1, 1, TimeUnit.DAYS));
        for (int i = 0; i < SIZE + 2; i++) {
            assertEquals(i, queue.take());
        }
        putting.join();
        assertTrue(offering.join());
    }

    @Test
    void interruptsEndWaitsAndAreSeenBeforeThem() throws Exception {
        for (Background.Call<?> call :
                List.<Background.Call<?>>of(queue::take, () -> queue.poll(1, TimeUnit.DAYS))) {
            var waiting = Background.parked(call);
            waiting.interrupt();
            assertInstanceOf(InterruptedException.class, waiting.failure());
        }
        fill();
        Background.Step put = () -> queue.put(SIZE);
        Background.Step offer = () -> queue.offer(SIZE, 1, TimeUnit.DAYS);
        for (var step : List.of(put, offer)) {
            var waiting = Background.parkedStep(step);
            waiting.interrupt();
            assertInstanceOf(InterruptedException.class, waiting.failure());
        }
        Background.Step take = queue::take;
        Background.Step poll = () -> queue.poll(1, TimeUnit.DAYS);
        for (var step : List.of(put, offer, take, poll)) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, step::run);
            assertFalse(Thread.currentThread().isInterrupted());
        }
        assertEquals(SIZE, queue.size());
    }

    @Test
    void elementsAreFoundAndRemovedAnywhere() throws Exception {
        fill();
        queue.remove();
        queue.add(1);
        assertTrue(queue.contains(3));
        assertFalse(queue.contains(0));
        assertTrue(queue.remove(3));
        assertFalse(queue.contains(3));
        assertFalse(queue.remove(3));
        Object stranger = "three";
        assertFalse(queue.remove(stranger));
        assertEquals(List.of(1, 2, 4, 1), new ArrayList<>(queue));
        assertTrue(queue.remove(1));
        assertEquals(List.of(2, 4, 1), new ArrayList<>(queue));
        assertEquals(3, queue.size());
        assertEquals(2, queue.remainingCapacity());
        assertTrue(queue.offer(5));
        assertTrue(queue.offer(6));
        assertFalse(queue.offer(7));
        assertTrue(queue.removeAll(Set.of(2, 6)));
        assertTrue(queue.retainAll(Set.of(1, 5)));
        assertFalse(queue.retainAll(Set.of(1, 5)));
        assertTrue(queue.removeIf(i -> i == 1));
        assertTrue(queue.containsAll(Set.of(5)));
        assertEquals("[5]", queue.toString());
        queue.clear();
        assertTrue(queue.isEmpty());
        assertEquals(SIZE, queue.remainingCapacity());
    }

    @Test
    void aRemovedElementMakesRoomForWhoWaits() throws Exception {
        fill();
        var putting = Background.parkedStep(() -> queue.put(SIZE));
        assertTrue(queue.remove(2));
        putting.join();
        assertEquals(List.of(0, 1, 3, 4, 5), new ArrayList<>(queue));
        for (int i = 0; i < 1000; i++) {
            assertTrue(queue.remove(i + 5));
            assertTrue(queue.add(i + 6));
        }
        assertEquals(List.of(0, 1, 3, 4, 1005), new ArrayList<>(queue));
    }

    @Test
    @Timeout(300) // much to compute
    void aQueueWhoseMiddleIsReplacedForEverStaysBounded() {
        BlockingQueue<Integer> queue = Mpmc.<Integer>bounded(SIZE).asBlockingQueue();
        queue.add(-1);
        int rounds = (1 << 15) + 10;
        for (int i = 0; i < rounds; i++) {
            if (!queue.offer(i)) {
                assertTrue(i >= 1 << 15, "full after " + i);
                assertEquals(-1, queue.poll());
                assertNull(queue.peek());
                assertEquals(SIZE, queue.remainingCapacity());
                return;
            }
            assertTrue(queue.remove(i));
        }
        assertEquals(-1, queue.poll());
    }

    @Test
    void aViewOfEverythingIsAnArray() {
        fill();
        assertArrayEquals(new Object[] {0, 1, 2, 3, 4}, queue.toArray());
        assertArrayEquals(new Integer[] {0, 1, 2, 3, 4}, queue.toArray(new Integer[0]));
        Integer[] large = {9, 9, 9, 9, 9, 9, 9};
        queue.toArray(large);
        assertArrayEquals(new @Nullable Integer[] {0, 1, 2, 3, 4, null, 9}, large);
        assertEquals(10, queue.stream().mapToInt(i -> i).sum());
        assertEquals(10, queue.parallelStream().mapToInt(i -> i).sum());
    }

    @Test
    void iteratorsSeeWhatIsThereAndNeverFail() throws Exception {
        fill();
        Iterator<Integer> all = queue.iterator();
        assertThrows(IllegalStateException.class, all::remove);
        assertEquals(0, all.next());
        for (int i = 0; i < SIZE; i++) {
            assertEquals(i, queue.take());
            queue.put(i + SIZE);
        }
        assertEquals(1, all.next(), "seen before it was taken");
        assertEquals(5, all.next());
        assertEquals(6, all.next());
        all.remove();
        assertThrows(IllegalStateException.class, all::remove);
        assertTrue(queue.remove(7));
        assertEquals(7, all.next(), "seen before it was removed");
        all.remove();
        assertEquals(8, all.next());
        assertEquals(9, all.next());
        assertFalse(all.hasNext());
        assertThrows(NoSuchElementException.class, all::next);
        assertEquals(List.of(5, 8, 9), new ArrayList<>(queue));
    }

    @Test
    void drainingTakesAsManyAsAreWanted() throws Exception {
        fill();
        assertThrows(IllegalArgumentException.class, () -> queue.drainTo(queue));
        assertThrows(IllegalArgumentException.class, () -> queue.drainTo(queue, 1));
        Collection<Integer> into = new ArrayList<>();
        assertEquals(0, queue.drainTo(into, 0));
        assertEquals(0, queue.drainTo(into, -1));
        assertEquals(2, queue.drainTo(into, 2));
        var putting = new ArrayList<Background<?>>();
        for (int i = 0; i < 4; i++) {
            putting.add(Background.start(() -> queue.offer(9, 1, TimeUnit.DAYS)));
        }
        while (into.size() < 9) {
            queue.drainTo(into);
        }
        assertEquals(0, queue.drainTo(into));
        assertEquals(List.of(0, 1, 2, 3, 4, 9, 9, 9, 9), into);
        for (Background<?> p : putting) {
            p.join();
        }
    }

    @Test
    void aClosedChannelIsAQueueThatEnds() throws Exception {
        var receiver = channel.receiver();
        var taking = Background.parked(queue::take);
        receiver.close();
        assertInstanceOf(ChannelClosedException.class, taking.failure());
        assertFalse(queue.offer(1));
        assertThrows(ChannelClosedException.class, () -> queue.put(1));
        assertThrows(ChannelClosedException.class, () -> queue.offer(1, 1, TimeUnit.DAYS));
        assertNull(queue.poll(1, TimeUnit.DAYS));
        assertThrows(ChannelClosedException.class, queue::take);
    }

    @Test
    void aRendezvousIsAQueueThatHoldsNothing() throws Exception {
        BlockingQueue<Integer> meeting = Mpmc.<Integer>rendezvous().asBlockingQueue();
        assertFalse(meeting.offer(1));
        assertEquals(0, meeting.size());
        assertEquals(0, meeting.remainingCapacity());
        assertNull(meeting.peek());
        assertNull(meeting.poll());
        assertFalse(meeting.iterator().hasNext());
        var putting = Background.parkedStep(() -> meeting.put(1));
        assertNull(meeting.peek());
        assertEquals(1, meeting.take());
        putting.join();
        var taking = Background.parked(() -> meeting.poll(1, TimeUnit.DAYS));
        assertTrue(meeting.offer(2));
        assertEquals(2, taking.join());
        assertEquals(Integer.MAX_VALUE, Mpmc.conflating().asBlockingQueue().remainingCapacity());
    }

    @Test
    void anExecutorOfTheJdkWorksOnIt() throws Exception {
        Mpmc<Runnable> tasks = Mpmc.bounded(1000);
        var ran = new AtomicInteger();
        try (var pool =
                new ThreadPoolExecutor(2, 2, 1, TimeUnit.SECONDS, tasks.asBlockingQueue())) {
            for (int i = 0; i < 1000; i++) {
                pool.execute(ran::incrementAndGet);
            }
        }
        assertEquals(1000, ran.get());
    }

    @Test
    void whatIsTakenAndRemovedAtTheSameTimeGoesOneWay() throws Exception {
        var removed = new HashSet<Integer>();
        var taken = new HashSet<Integer>();
        int count = 20_000;
        var taking =
                Background.start(
                        () -> {
                            while (taken.isEmpty() || !taken.contains(-1)) {
                                taken.add(queue.take());
                            }
                            return true;
                        });
        var removing =
                Background.start(
                        () -> {
                            for (int n = 0; n < count; n++) {
                                for (Iterator<Integer> i = queue.iterator(); i.hasNext(); ) {
                                    Integer element = i.next();
                                    if (element % 3 == 0 && queue.remove(element)) {
                                        removed.add(element);
                                    }
                                }
                                if (taking.thread().getState() == Thread.State.TERMINATED) {
                                    break;
                                }
                            }
                            return true;
                        });
        for (int i = 1; i <= count; i++) {
            queue.put(i);
        }
        queue.put(-1);
        taking.join();
        removing.join();
        assertEquals(count + 1, removed.size() + taken.size());
        removed.retainAll(taken);
        assertEquals(Set.of(), removed);
        assertEquals(SIZE, queue.remainingCapacity());
    }
}
