package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Select;
import cloud.avila.avx.channel.Watch;
import cloud.avila.avx.channel.WatchReceiver;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

class SelectExampleTest {
    @Test
    void theFirstOfSeveralIsTaken() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var lines = Mpsc.<String>bounded(64);
            var events = Broadcast.<Integer>create();
            var stop = CancellationToken.create();
            var log = new ArrayList<String>();
            var next =
                    Select.<String>fair()
                            .recv(lines.receiver(), line -> "line " + line)
                            .recv(events.subscribe(), event -> "event " + event)
                            .after(Duration.ofSeconds(5), () -> "quiet")
                            .on(stop, () -> "stopped");
            JoinHandle<Integer> reader =
                    rt.spawn(
                            () -> {
                                String entry;
                                do {
                                    entry = next.run(); // one of them, nothing of the others
                                    log.add(entry);
                                } while (!entry.equals("stopped"));
                                return log.size();
                            });
            lines.sender().send("a");
            while (lines.length() > 0) {
                Thread.sleep(1);
            }
            stop.cancel("enough");
            assertEquals(2, reader.join());
            assertEquals(List.of("line a", "stopped"), log);
        }
    }

    @Test
    void theLatestValueIsWaitedFor() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var limit = Watch.of(10);
            WatchReceiver<Integer> mine = limit.subscribe();
            JoinHandle<Integer> waiting = rt.spawn(() -> mine.waitFor(n -> n >= 30));
            limit.send(20);
            limit.modify(n -> n + 10);
            assertEquals(30, waiting.join());
            assertEquals(30, limit.get());
        }
    }
}
