package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.time.Interval;
import cloud.avila.avx.time.MissedTicks;
import cloud.avila.avx.time.Sleep;
import cloud.avila.avx.time.Tick;
import cloud.avila.avx.time.Timeout;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;

class TimeExampleTest {
    private final List<Long> flushed = new ArrayList<>();
    private final List<Long> late = new ArrayList<>();

    private void flush(Tick tick) throws InterruptedException {
        if (tick.number() == 2) {
            Sleep.of(Duration.ofHours(1));
        }
        flushed.add(tick.number());
    }

    void flushRegularly(Duration period) throws Exception {
        for (Tick tick : Interval.every(period).onMissed(MissedTicks.SKIP)) {
            try {
                Timeout.run(period, () -> flush(tick));
            } catch (TimeoutException e) {
                late.add(tick.number());
            }
            if (tick.number() == 4) {
                break;
            }
        }
    }

    @Test
    void whatTakesTooLongIsCutOffAndTheRhythmGoesOn() throws Exception {
        try (var rt = AvxRuntime.create()) {
            rt.spawn(
                            () -> {
                                flushRegularly(Duration.ofMillis(500));
                                return null;
                            })
                    .join();
        }
        assertEquals(List.of(2L), late);
        assertEquals(List.of(0L, 1L, 3L, 4L), flushed);
    }
}
