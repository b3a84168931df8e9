package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.nio.file.Files;
import java.util.concurrent.CompletableFuture;

@EnabledOnOs(OS.LINUX)
class TimerSlackTest {
    private static long nanos() throws Exception {
        return Long.parseLong(Files.readString(TimerSlack.ofThisThread()).strip());
    }

    @Test
    void belongsToTheCallingThreadAlone() throws Exception {
        long own = nanos();
        var seen = new CompletableFuture<Long>();
        Thread.ofPlatform()
                .start(
                        () -> {
                            try {
                                assertTrue(TimerSlack.minimize());
                                seen.complete(nanos());
                            } catch (Throwable e) {
                                seen.completeExceptionally(e);
                            }
                        });
        assertEquals(1, seen.get());
        assertEquals(own, nanos());
    }

    @Test
    void workersWakeAsExactlyAsTheyCan() throws Exception {
        try (var runtime = AvxRuntime.create()) {
            var seen = new CompletableFuture<Long>();
            runtime.handle()
                    .execute(
                            () -> {
                                try {
                                    seen.complete(nanos());
                                } catch (Throwable e) {
                                    seen.completeExceptionally(e);
                                }
                            });
            assertEquals(1, seen.get());
        }
    }
}
