package cloud.avila.avx.sample.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.sample.line.RejectReason;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

class RejectionLogTest {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);
    private final RejectionLog log = new RejectionLog(Duration.ofSeconds(10), now::get);

    @Test
    void logsEachReasonOnceInAPeriod() {
        assertThat(log(RejectReason.BAD_VALUE)).isTrue();
        for (int i = 0; i < 1000; i++) {
            assertThat(log(RejectReason.BAD_VALUE)).isFalse();
        }
        assertThat(log(RejectReason.MALFORMED)).isTrue();
        now.addAndGet(Duration.ofSeconds(10).toNanos());
        assertThat(log(RejectReason.BAD_VALUE)).isTrue();
    }

    private boolean log(RejectReason reason) {
        return log.log(Protocol.STATSD, reason, "detail", "line\u001b[31m\n", 1);
    }
}
