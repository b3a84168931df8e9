package cloud.avila.avx.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** What a gateway in a process of its own keeps when it is killed, stopped, or out of space. */
class CrashTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String ALONE = "gateway.self-monitoring.enabled=false";
    private static final String MANY_POINTS = "gateway.query.max-points=10000000";
    private static final int CONNECTIONS = 3;
    private static final int PACE = 20;

    @TempDir Path dataDir;

    @Test
    void killLosesNothingAcknowledgedAndCountsNothingTwice() throws Exception {
        var sentCounts = new long[1];
        long acknowledged;
        try (var first = new GatewayProcess(dataDir, List.of(), ALONE, MANY_POINTS)) {
            GatewayClient gateway = first.client();

            // counters: all accepted, some in the database, some in the window, none sent later
            for (int round = 0; round < 40; round++) {
                gateway.statsd("crash.count:1|c\n".repeat(100));
                sentCounts[0] += 100;
                Thread.sleep(37);
            }
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(gateway.accepted()).isEqualTo(sentCounts[0]));

            // points: under load until the end
            var running = new AtomicBoolean(true);
            List<Thread> senders = new ArrayList<>();
            for (int c = 0; c < CONNECTIONS; c++) {
                senders.add(sender(gateway, "crash.points" + c, running));
            }
            await().atMost(PATIENCE)
                    .until(
                            () ->
                                    gateway.ingest()
                                                    .get("acceptedByProtocol")
                                                    .get("graphite")
                                                    .asLong()
                                            > 20_000);
            acknowledged = gateway.ingest().get("acceptedByProtocol").get("graphite").asLong();
            first.kill();
            running.set(false);
            for (Thread sender : senders) {
                sender.join();
            }
        }

        long stored;
        try (var second = new GatewayProcess(dataDir, List.of(), ALONE, MANY_POINTS)) {
            GatewayClient gateway = second.client();
            awaitCaughtUp(gateway);

            stored = 0;
            for (int c = 0; c < CONNECTIONS; c++) {
                SequencedMap<Long, Double> points = gateway.points("crash.points" + c);
                stored += points.size();
                // each connection's points are there without a gap, with their values
                long expected = 1;
                for (var point : points.entrySet()) {
                    assertThat(point.getKey()).isEqualTo(expected * 1000);
                    assertThat(point.getValue()).isEqualTo(expected);
                    expected++;
                }
            }
            assertThat(stored).isGreaterThanOrEqualTo(acknowledged);
            assertThat(gateway.sum("crash.count")).isEqualTo(sentCounts[0]);

            // SIGTERM stores what was accepted, without waiting for the window to pass
            gateway.statsd("crash.count:1|c\n".repeat(50));
            gateway.graphite("crash.last 1 1\n");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(gateway.accepted()).isEqualTo(52));
            assertThat(second.terminate()).isEqualTo(128 + 15);
            assertThat(second.log()).contains("Stored everything accepted");
        }

        try (var third = new GatewayProcess(dataDir, List.of(), ALONE, MANY_POINTS)) {
            GatewayClient gateway = third.client();

            assertThat(gateway.points("crash.last")).hasSize(1);
            assertThat(gateway.sum("crash.count")).isEqualTo(sentCounts[0] + 50);
            long points = 0;
            for (int c = 0; c < CONNECTIONS; c++) {
                points += gateway.points("crash.points" + c).size();
            }
            assertThat(points).isEqualTo(stored);
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux lets a process's limits be lifted")
    void aFileSystemWithoutSpaceIsSurvivedAndLeftBehind() throws Exception {
        try (var process =
                new GatewayProcess(
                        dataDir, List.of(), ALONE, MANY_POINTS, "gateway.flush.interval=200ms")) {
            GatewayClient gateway = process.client();
            var running = new AtomicBoolean(true);
            Thread sender = sender(gateway, "full.points", running);
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> {
                                assertThat(gateway.accepted()).isGreaterThan(5_000);
                                assertThat(gateway.points("full.points")).isNotEmpty();
                            });
            // a soft limit on the size of files makes every write beyond fail, and can be lifted;
            // journal and database are both beyond this one
            limitFiles(process, "16384");
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> {
                                JsonNode ingest = gateway.ingest();
                                assertThat(ingest.get("diskFull").asBoolean()).isTrue();
                                assertThat(ingest.get("store").get("failure").isNull()).isFalse();
                                assertThat(gateway.dropped("journal-failed")).isPositive();
                            });
            // a write that needs no more space may succeed in between
            await().atMost(PATIENCE)
                    .until(() -> gateway.get("/actuator/health").statusCode() == 503);
            assertThat(gateway.get("/").statusCode()).isEqualTo(200);

            limitFiles(process, "unlimited");
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () ->
                                    assertThat(gateway.ingest().get("diskFull").asBoolean())
                                            .isFalse());
            running.set(false);
            sender.join();
            gateway.graphite("full.after 1 1\n");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(gateway.points("full.after")).hasSize(1));

            // whatever was accepted before, meanwhile and after is there; only what was shed is not
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> {
                                JsonNode ingest = gateway.ingest();
                                assertThat(ingest.get("connections").get("open").asInt()).isZero();
                                assertThat(gateway.points("full.points").size() + 1)
                                        .isEqualTo(ingest.get("accepted").asInt());
                            });
            assertThat(gateway.get("/actuator/health").statusCode()).isEqualTo(200);
        }
    }

    private static void awaitCaughtUp(GatewayClient gateway) {
        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> {
                            JsonNode store = gateway.ingest().get("store");
                            assertThat(store.get("state").asString()).isEqualTo("live");
                            assertThat(store.get("backlogBytes").asLong()).isZero();
                        });
        // windows are stored in order: what came before this is stored when this is
        gateway.graphite("crash.marker 1 1\n");
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(gateway.points("crash.marker")).hasSize(1));
    }

    /** Sends numbered points as fast as the gateway takes them. */
    private static void limitFiles(GatewayProcess process, String bytes) throws Exception {
        var prlimit =
                new ProcessBuilder(
                                "prlimit",
                                "--pid",
                                Long.toString(process.pid()),
                                "--fsize=" + bytes + ":unlimited")
                        .inheritIO()
                        .start();
        assertThat(prlimit.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(prlimit.exitValue()).isZero();
    }

    private static Thread sender(GatewayClient gateway, String series, AtomicBoolean running) {
        return Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            long number = 0;
                            try (Socket socket = gateway.graphite()) {
                                OutputStream out = socket.getOutputStream();
                                while (running.get()) {
                                    var lines = new StringBuilder();
                                    for (int i = 0; i < 50; i++) {
                                        number++;
                                        lines.append(series).append(' ').append(number);
                                        lines.append(' ').append(number).append('\n');
                                    }
                                    out.write(lines.toString().getBytes(StandardCharsets.UTF_8));
                                    if (number % (50 * PACE) == 0) {
                                        Thread.sleep(1);
                                    }
                                }
                            } catch (IOException | InterruptedException e) {
                                // the gateway was killed
                                running.set(false);
                            }
                        });
    }
}
