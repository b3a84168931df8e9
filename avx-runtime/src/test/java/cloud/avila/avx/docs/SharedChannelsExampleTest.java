package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.channel.Mpmc;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.SharedReceiver;

import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicInteger;

class SharedChannelsExampleTest {
    @Test
    void workIsShared() throws Exception {
        var done = new AtomicInteger();
        try (var rt = AvxRuntime.create()) {
            var jobs = Mpmc.<Integer>bounded(100);
            try (var tx = jobs.sender()) {
                for (int i = 0; i < 4; i++) {
                    SharedReceiver<Integer> rx = jobs.receiver();
                    rt.spawn(
                            () -> {
                                for (int job : rx) { // each job goes to one of the four
                                    done.addAndGet(job);
                                }
                                return null;
                            });
                }
                for (int job = 1; job <= 10; job++) {
                    tx.send(job);
                }
            }
        }
        assertEquals(55, done.get());
    }

    @Test
    void aPlaceIsReserved() throws Exception {
        var lines = Mpsc.<String>bounded(2);
        try (var tx = lines.sender()) {
            try (var permit = tx.reserve()) { // waits until there is room
                String line = "read only now that it can be sent";
                permit.send(line);
            } // a place that was not used would go back here
        }
        assertEquals(1, lines.length());
    }
}
