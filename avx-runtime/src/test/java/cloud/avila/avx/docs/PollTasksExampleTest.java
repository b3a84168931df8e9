package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.WakerCell;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

class PollTasksExampleTest {
    /** Ready when it has been counted down to zero. */
    static final class Countdown implements Future<String> {
        private final AtomicInteger left;
        private final WakerCell waiting = new WakerCell();

        Countdown(int from) {
            left = new AtomicInteger(from);
        }

        void countDown() {
            if (left.decrementAndGet() == 0) {
                waiting.wake();
            }
        }

        @Override
        public Poll<String> poll(Context cx) {
            waiting.register(cx.waker()); // first leave the waker, then look
            return left.get() > 0 ? Poll.pending() : Poll.ready("lift-off");
        }
    }

    @Test
    void aCountdownIsAwaitedByPolling() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var countdown = new Countdown(3);
            var launch = rt.spawnFuture("launch", countdown.map(String::toUpperCase));
            for (int i = 0; i < 3; i++) {
                rt.spawnFuture(
                        Futures.sleep(Duration.ofMillis(5))
                                .map(
                                        v -> {
                                            countdown.countDown();
                                            return true;
                                        }));
            }
            var tooLate = Futures.sleep(Duration.ofMinutes(1)).map(v -> "aborted");
            var first = rt.blockOnFuture(Futures.select(List.of(launch.asFuture(), tooLate)));
            assertEquals("LIFT-OFF", first.value());
        }
    }
}
