package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.Waker;
import cloud.avila.avx.task.WakerCell;
import cloud.avila.avx.testing.Crew;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Poll tasks under wake-ups and cancellations from everywhere. */
class PollTaskStressTest {
    private static final Duration LONG = Duration.ofSeconds(50);

    private static AvxRuntime runtime() {
        return AvxRuntime.create(RuntimeConfig.builder().name("stress").workerThreads(3).build());
    }

    /** Ready when a turn has come that another thread writes, in a plain field, before it wakes. */
    private static final class Turn implements Future<Integer> {
        final WakerCell cell = new WakerCell();
        int turn;

        @Override
        public Poll<Integer> poll(Context cx) {
            cell.register(cx.waker());
            return turn == 0 ? Poll.pending() : Poll.ready(turn);
        }
    }

    @Test
    void noWakeUpOfAForeignThreadIsLost() throws Exception {
        try (var rt = runtime()) {
            var crew = new Crew("poll-task-wake-ups");
            var rounds = new AtomicLong();
            for (int i = 0; i < 4; i++) {
                crew.add(
                        random -> {
                            while (!crew.isOver()) {
                                var turn = new Turn();
                                int value = 1 + random.nextInt(1000);
                                JoinHandle<Integer> handle = rt.spawnFuture(turn);
                                for (int n = random.nextInt(200); n > 0; n--) {
                                    Thread.onSpinWait();
                                }
                                turn.turn = value;
                                turn.cell.wake();
                                assertEquals(value, handle.join(LONG));
                                rounds.incrementAndGet();
                            }
                        });
            }
            crew.run(List.of());
            assertTrue(rounds.get() > 0);
        }
    }

    /** Counts what several threads have added, each in its own plain slot, before it woke. */
    private static final class Sum implements Future<Integer> {
        final int[] parts = new int[4 * 16];
        final int target;
        final AtomicInteger polling = new AtomicInteger();
        volatile @Nullable Waker waker;

        Sum(int target) {
            this.target = target;
        }

        @Override
        public Poll<Integer> poll(Context cx) {
            assertEquals(1, polling.incrementAndGet(), "polled by two threads");
            waker = cx.waker();
            int sum = 0;
            for (int i = 0; i < parts.length; i += 16) {
                sum += parts[i];
            }
            if ((sum & 7) == 3) {
                cx.pollAgain();
            }
            polling.decrementAndGet();
            return sum < target ? Poll.pending() : Poll.ready(sum);
        }
    }

    @Test
    void oneTaskIsWokenByManyThreadsAtOnce() throws Exception {
        try (var rt = runtime()) {
            var crew = new Crew("poll-task-one-target");
            int each = 20_000;
            var sum = new Sum(4 * each);
            JoinHandle<Integer> handle = rt.spawnFuture(sum);
            for (int i = 0; i < 4; i++) {
                int slot = i * 16;
                crew.add(
                        random -> {
                            Waker waker;
                            while ((waker = sum.waker) == null) {
                                Thread.onSpinWait();
                            }
                            for (int n = 0; n < each; n++) {
                                sum.parts[slot]++;
                                waker.wake();
                                if (random.nextInt(64) == 0) {
                                    Thread.yield();
                                }
                            }
                        });
            }
            crew.run(List.of());
            assertEquals(4 * each, handle.join(LONG));
        }
    }

    /** Waits, yields or ends, as the seed has it; knows whether it was dropped. */
    private static final class Fickle implements Future<Integer>, AutoCloseable {
        final AtomicInteger ends = new AtomicInteger();
        final WakerCell cell = new WakerCell();
        private final int kind;
        private int polls;

        Fickle(int kind) {
            this.kind = kind;
        }

        @Override
        public Poll<Integer> poll(Context cx) throws Exception {
            assertEquals(0, ends.get(), "polled after its end");
            cell.register(cx.waker());
            polls++;
            switch (kind & 3) {
                case 0 -> cx.pollAgain();
                case 1 -> cx.waker().wake();
                default -> {}
            }
            if (polls <= kind >> 3) {
                return Poll.pending();
            }
            ends.incrementAndGet();
            if ((kind & 4) == 0) {
                throw new IllegalStateException("expected");
            }
            return Poll.ready(kind);
        }

        @Override
        public void close() {
            ends.incrementAndGet();
        }
    }

    @Test
    void cancellingRacesWithEverythingAndTheBooksBalance() throws Exception {
        var spawned = new AtomicLong();
        var completed = new AtomicLong();
        var failed = new AtomicLong();
        var cancelled = new AtomicLong();
        var futures = new ConcurrentLinkedQueue<Fickle>();
        var rt = runtime();
        try (rt) {
            var crew = new Crew("poll-task-cancel");
            for (int i = 0; i < 4; i++) {
                crew.add(
                        random -> {
                            for (int n = 0; n < 20_000 && !crew.isOver(); n++) {
                                var future = new Fickle(random.nextInt(64));
                                futures.add(future);
                                JoinHandle<Integer> handle = rt.spawnFuture(future);
                                spawned.incrementAndGet();
                                int spin = random.nextInt(100);
                                while (!handle.isDone() && spin-- > 0) {
                                    future.cell.wake();
                                }
                                boolean won = handle.cancel();
                                try {
                                    assertEquals(future.kind, handle.join(LONG));
                                    assertFalse(won);
                                    completed.incrementAndGet();
                                } catch (CompletionException e) {
                                    assertFalse(won);
                                    failed.incrementAndGet();
                                } catch (CancellationException e) {
                                    assertTrue(won);
                                    cancelled.incrementAndGet();
                                }
                            }
                        });
            }
            crew.run(List.of());
        }
        for (Fickle future : futures) {
            assertEquals(1, future.ends.get(), "ended or dropped, once");
        }
        var m = rt.metrics();
        assertEquals(spawned.get(), m.spawned());
        assertEquals(completed.get(), m.completed());
        assertEquals(failed.get(), m.failed());
        assertEquals(cancelled.get(), m.cancelled());
    }
}
