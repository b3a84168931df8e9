package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.testing.StepQueue;

import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.Future.State;

/** The model checker looks for schedules in which a poll task loses a wake-up or ends twice. */
class PollTaskModelTest {
    private static final int SCHEDULES = Integer.getInteger("avx.lincheck.schedules", 500);

    // Lincheck switches threads at objects it has seen escape, and does not look into lambdas.
    private static volatile @Nullable Object escaped;

    /** Ready when both flags are set; each is plain and set by one thread, before it wakes. */
    private static final class Flags implements Future<Integer>, AutoCloseable {
        int a;
        int b;
        int yields;
        int closed;
        int ready;
        private boolean polling;

        @Override
        public Poll<Integer> poll(Context cx) {
            assertFalse(polling, "polled by two threads");
            polling = true;
            boolean done = a + b == 2;
            if (yields > 0) {
                yields--;
                cx.pollAgain();
            }
            polling = false;
            if (done) {
                ready++;
                return Poll.ready(2);
            }
            return Poll.pending();
        }

        @Override
        public void close() {
            closed++;
        }
    }

    private static Thread start(Runnable code) {
        var t = new Thread(code);
        t.start();
        return t;
    }

    private static void join(Thread... threads) {
        try {
            for (Thread t : threads) {
                t.join();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static PollTask<Integer> spawned(StepQueue queue, Flags flags) {
        var task = new PollTask<>(queue, null, flags);
        queue.startSteps(task, task);
        escaped = List.of(queue, flags, task);
        return task;
    }

    @Test
    void twoWakersAndTwoWorkers() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var queue = new StepQueue();
                    var flags = new Flags();
                    PollTask<Integer> task = spawned(queue, flags);
                    Thread a =
                            start(
                                    () -> {
                                        flags.a = 1;
                                        task.wake();
                                        queue.step();
                                    });
                    Thread b =
                            start(
                                    () -> {
                                        flags.b = 1;
                                        task.wake();
                                    });
                    queue.step();
                    queue.step();
                    join(a, b);
                    assertTrue(queue.queued() <= 1, "queued twice");
                    queue.drain();
                    assertEquals(State.SUCCESS, task.state());
                    assertEquals(1, queue.ended());
                    assertEquals(0, flags.closed);
                });
    }

    @Test
    void aTaskThatYieldsWhileItIsWoken() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var queue = new StepQueue();
                    var flags = new Flags();
                    flags.a = 1;
                    flags.yields = 1;
                    PollTask<Integer> task = spawned(queue, flags);
                    Thread b =
                            start(
                                    () -> {
                                        flags.b = 1;
                                        task.wake();
                                        queue.step();
                                    });
                    queue.step();
                    queue.step();
                    join(b);
                    assertTrue(queue.queued() <= 1, "queued twice");
                    queue.drain();
                    assertEquals(State.SUCCESS, task.state());
                    assertEquals(1, queue.ended());
                });
    }

    @Test
    void cancellingRacesWithAWakeUpAndAPoll() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var queue = new StepQueue();
                    var flags = new Flags();
                    flags.b = 1;
                    flags.yields = 1;
                    PollTask<Integer> task = spawned(queue, flags);
                    boolean[] won = new boolean[1];
                    Thread canceller = start(() -> won[0] = task.cancel());
                    Thread waker =
                            start(
                                    () -> {
                                        flags.a = 1;
                                        task.wake();
                                    });
                    queue.step();
                    queue.step();
                    join(canceller, waker);
                    queue.drain();
                    assertTrue(task.isDone());
                    assertEquals(1, queue.ended());
                    assertEquals(won[0], task.isCancelled());
                    assertEquals(1, flags.closed + flags.ready, "dropped or ready, once");
                    if (!won[0]) {
                        assertEquals(State.SUCCESS, task.state());
                    }
                });
    }

    @Test
    void twoCancellersAndAWorker() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var queue = new StepQueue();
                    var flags = new Flags();
                    PollTask<Integer> task = spawned(queue, flags);
                    int[] wins = new int[2];
                    Thread a = start(() -> wins[0] = task.cancel() ? 1 : 0);
                    Thread b = start(() -> wins[1] = task.cancel() ? 1 : 0);
                    queue.step();
                    join(a, b);
                    queue.drain();
                    assertEquals(1, wins[0] + wins[1]);
                    assertEquals(1, flags.closed);
                    assertEquals(1, queue.ended());
                });
    }

    @Test
    void aTaskThatJoinsAnotherByPolling() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var queue = new StepQueue();
                    var flags = new Flags();
                    flags.a = 1;
                    PollTask<Integer> joined = spawned(queue, flags);
                    var joining = new PollTask<>(queue, null, joined.asFuture());
                    queue.startSteps(joining, joining);
                    escaped = List.of(queue, flags, joined, joining);
                    Thread b =
                            start(
                                    () -> {
                                        flags.b = 1;
                                        joined.wake();
                                        queue.step();
                                    });
                    queue.step();
                    queue.step();
                    join(b);
                    queue.drain();
                    assertEquals(2, joining.resultNow());
                    assertEquals(2, queue.ended());
                });
    }
}
