package cloud.avila.avx.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.OutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

class IngestTest extends RunningGateway {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @AfterEach
    void healDisk() {
        disk.full = false;
        disk.writeMillis = 0;
    }

    /** Again under other names if the end of a window came between the lines. */
    @Test
    void statsdLinesBecomePoints() {
        long before = System.currentTimeMillis();
        var names = new AtomicInteger();
        await().atMost(PATIENCE)
                .ignoreExceptionsInstanceOf(ConditionTimeoutException.class)
                .untilAsserted(() -> sendsOneWindow("it" + names.incrementAndGet()));
        String it = "it" + names.get();
        assertThat(gateway.points(it + ".users").firstEntry().getKey())
                .isGreaterThanOrEqualTo(before);

        gateway.statsd(it + ".level:-3|g");
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(gateway.last(it + ".level")).isEqualTo(4));
    }

    private void sendsOneWindow(String it) {
        gateway.statsd(
                ("it.hits:2|c|@0.5|#zone:eu,app:shop\nit.hits:1|c|#app:shop,zone:eu\n"
                                + "it.users:anna|s\nit.users:ben|s\nit.users:anna|s\n"
                                + "it.level:10|g\nit.level:-4|g\nit.level:+1|g\n"
                                + "it.time:10|ms\nit.time:30|ms\nit.size:7|h\nit.dist:8|d\r\n")
                        .replace("it.", it + "."));
        await().untilAsserted(() -> assertThat(gateway.last(it + ".dist.p50")).isEqualTo(8));
        assertThat(gateway.sum(it + ".hits;app=shop;zone=eu")).isEqualTo(5);
        assertThat(gateway.last(it + ".users")).isEqualTo(2);
        assertThat(gateway.last(it + ".level")).isEqualTo(7);
        assertThat(gateway.sum(it + ".time.count")).isEqualTo(2);
        assertThat(gateway.last(it + ".time.mean")).isEqualTo(20);
        assertThat(gateway.last(it + ".time.max")).isEqualTo(30);
        assertThat(gateway.last(it + ".size.p95")).isEqualTo(7);
    }

    @Test
    void graphitePointsKeepTheirTimeAndTheLastValueWins() {
        gateway.graphite(
                "it.load 1 1000\nit.load 2 2000\r\nit.load 3 1000\n"
                        + "it.load;host=web/1;dc=eu 4.5 1600000000\n");
        await().atMost(PATIENCE)
                .untilAsserted(
                        () ->
                                assertThat(gateway.points("it.load"))
                                        .containsExactly(
                                                entry(1_000_000L, 3.0), entry(2_000_000L, 2.0)));
        gateway.graphite("it.load 9 2000\n");
        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(gateway.points("it.load")).containsEntry(2_000_000L, 9.0));

        // it came on another connection than what has been awaited
        await().atMost(PATIENCE)
                .untilAsserted(
                        () ->
                                assertThat(gateway.points("it.load;dc=eu;host=web/1"))
                                        .containsExactly(entry(1_600_000_000_000L, 4.5)));
        assertThat(gateway.points("it.load", "?from=1000001"))
                .containsExactly(entry(2_000_000L, 9.0));
        assertThat(gateway.points("it.load", "?to=1970-01-01T00:20:00Z"))
                .containsExactly(entry(1_000_000L, 3.0));
        assertThat(gateway.get("/api/series/it.load;dc=eu;host=web/1").statusCode()).isEqualTo(200);
    }

    @Test
    void queriesAreBoundedAndSayWhatIsWrong() {
        var lines = new StringBuilder();
        for (int i = 0; i < 150; i++) {
            lines.append("it.many ").append(i).append(' ').append(1000 + i).append('\n');
        }
        gateway.graphite(lines.toString());
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(gateway.points("it.many")).containsKey(1_149_000L));

        JsonNode answer = gateway.json("/api/series/it.many");
        assertThat(answer.get("name").asString()).isEqualTo("it.many");
        assertThat(answer.get("points").size()).isEqualTo(100);
        assertThat(answer.get("truncated").asBoolean()).isTrue();
        assertThat(answer.get("points").get(0).get("t").asLong()).isEqualTo(1_050_000);

        assertThat(gateway.get("/api/series/it.none").statusCode()).isEqualTo(404);
        assertThat(gateway.get("/api/series/it.many?from=soon"))
                .satisfies(r -> assertThat(r.statusCode()).isEqualTo(400))
                .satisfies(r -> assertThat(r.body()).contains("'from'", "'soon'", "milliseconds"));
        assertThat(gateway.get("/api/series/it.many?from=2&to=1").statusCode()).isEqualTo(400);

        JsonNode list = gateway.json("/api/series?q=it.many");
        assertThat(list.get("series").get(0).get("name").asString()).isEqualTo("it.many");
        assertThat(list.get("series").get(0).get("value").asDouble()).isEqualTo(149);
    }

    @Test
    void badLinesAreCountedByReasonAndHarmNoOthers() {
        long malformed = gateway.rejected("malformed");
        long badValue = gateway.rejected("bad-value");
        long badType = gateway.rejected("bad-type");
        long notUtf8 = gateway.rejected("not-utf8");
        gateway.statsd("nonsense\nit.bad:x|c\nit.bad:1|q\nit.ok:1|c\n");
        gateway.graphite("two fields\nit.bad nan 1\nit.fine 1 1\n");
        try (Socket socket = gateway.graphite()) {
            socket.getOutputStream().write(new byte[] {'a', (byte) 0xC3, ' ', '1', ' ', '1', '\n'});
        } catch (IOException e) {
            throw new AssertionError(e);
        }

        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> {
                            assertThat(gateway.rejected("malformed")).isEqualTo(malformed + 2);
                            assertThat(gateway.rejected("bad-value")).isEqualTo(badValue + 2);
                            assertThat(gateway.rejected("bad-type")).isEqualTo(badType + 1);
                            assertThat(gateway.rejected("not-utf8")).isEqualTo(notUtf8 + 1);
                            assertThat(gateway.points("it.ok")).hasSize(1);
                            assertThat(gateway.points("it.fine")).hasSize(1);
                        });
        assertThat(gateway.get("/actuator/prometheus").body())
                .contains("gateway_lines_rejected_lines_total{reason=\"not-utf8\"}");
    }

    @Test
    void aLineOverEightKilobytesIsRefusedAndTheConnectionGoesOn() {
        long before = gateway.rejected("too-long");
        gateway.graphite("it." + "x".repeat(100_000) + " 1 1\nit.after 1 1\n");
        gateway.statsd("it." + "y".repeat(9_000) + ":1|c\nit.behind:1|c");

        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> {
                            assertThat(gateway.rejected("too-long")).isEqualTo(before + 2);
                            assertThat(gateway.points("it.after")).hasSize(1);
                            assertThat(gateway.points("it.behind")).hasSize(1);
                        });
    }

    @Test
    void aConnectionThatIsSlowWithALineIsClosedAndCounted() throws Exception {
        long before = gateway.ingest().get("connections").get("timedOut").asLong();
        try (Socket slow = gateway.graphite()) {
            slow.setSoTimeout(60_000);
            OutputStream out = slow.getOutputStream();
            var dripping =
                    Thread.ofPlatform()
                            .daemon()
                            .start(
                                    () -> {
                                        try {
                                            while (true) {
                                                out.write('x');
                                                Thread.sleep(200);
                                            }
                                        } catch (IOException | InterruptedException e) {
                                            Thread.currentThread().interrupt();
                                        }
                                    });
            assertThat(endOf(slow)).isTrue();
            dripping.interrupt();
        }
        await().atMost(PATIENCE)
                .untilAsserted(
                        () ->
                                assertThat(
                                                gateway.ingest()
                                                        .get("connections")
                                                        .get("timedOut")
                                                        .asLong())
                                        .isEqualTo(before + 1));
        assertThat(gateway.rejected("unterminated")).isPositive();
    }

    private static boolean endOf(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (java.net.SocketTimeoutException e) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void idleConnectionsCostLittleAndSilentOnesAreClosed() throws Exception {
        List<Socket> idle = new ArrayList<>();
        int gone = connections("timedOut");
        try {
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> {
                                connect(idle, 2000, gone);
                                assertThat(connections("open")).isGreaterThanOrEqualTo(2000);
                            });
            gateway.graphite("it.beside 1 1\n");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(gateway.points("it.beside")).hasSize(1));

            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> {
                                connect(idle, 2200, gone);
                                assertThat(connections("refused")).isPositive();
                            });
            await().atMost(Duration.ofMinutes(2))
                    .untilAsserted(
                            () -> {
                                JsonNode connections = gateway.ingest().get("connections");
                                assertThat(connections.get("open").asInt()).isZero();
                                assertThat(connections.get("timedOut").asInt())
                                        .isGreaterThanOrEqualTo(2000);
                            });
        } finally {
            for (Socket socket : idle) {
                socket.close();
            }
        }
    }

    /** In place of those, too, that are closed for their silence where this is slow. */
    private void connect(List<Socket> idle, int wanted, int goneBefore) throws IOException {
        int gone = connections("timedOut") - goneBefore;
        while (idle.size() < wanted + gone) {
            idle.add(gateway.graphite());
        }
    }

    private int connections(String which) {
        return gateway.ingest().get("connections").get(which).asInt();
    }

    @Test
    void aFloodIsShedByCountedPolicyAndTcpLosesNothing() throws Exception {
        long accepted = gateway.accepted();
        disk.writeMillis = 100; // so it takes some 10 000 lines a second at most
        var tcp =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    var lines = new StringBuilder();
                                    for (int i = 0; i < 5_000; i++) {
                                        lines.append("it.tcp.").append(i % 50).append(" 1 ");
                                        lines.append(1000 + i / 50).append('\n');
                                    }
                                    gateway.graphite(lines.toString());
                                });
        byte[] datagram = "it.flood:1|c\n".repeat(100).getBytes(StandardCharsets.UTF_8);
        long end = System.nanoTime() + Duration.ofSeconds(3).toNanos();
        long sent = 0;
        try (var socket = new DatagramSocket()) {
            while (System.nanoTime() < end || (gateway.dropped("queue-full") == 0 && sent < 1e8)) {
                for (int i = 0; i < 100; i++) {
                    socket.send(
                            new DatagramPacket(datagram, datagram.length, gateway.statsdAddress()));
                }
                sent += 100 * 100;
            }
        }
        assertThat(gateway.dropped("queue-full")).isPositive();
        disk.writeMillis = 0;
        tcp.join();

        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> {
                            assertThat(gateway.ingest().get("queueDepth").asInt()).isLessThan(100);
                            for (int i = 0; i < 50; i++) {
                                assertThat(gateway.points("it.tcp." + i)).hasSize(100);
                            }
                        });
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(gateway.sum("it.flood")).isPositive());
        assertThat(gateway.accepted() - accepted).isGreaterThan(5_000);
        assertThat(gateway.sum("it.flood")).isLessThanOrEqualTo(sent);
    }

    @Test
    void aFullDiskIsSurvivedVisiblyAndLeftBehind() {
        gateway.graphite("it.disk 1 1\n");
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(gateway.points("it.disk")).hasSize(1));

        disk.full = true;
        gateway.graphite("it.disk 2 2\n");
        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> {
                            assertThat(gateway.dropped("journal-failed")).isPositive();
                            assertThat(gateway.ingest().get("diskFull").asBoolean()).isTrue();
                            assertThat(gateway.get("/actuator/health").body())
                                    .contains("\"DOWN\"", "No space left on device");
                        });
        assertThat(gateway.points("it.disk")).hasSize(1);

        disk.full = false;
        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> {
                            gateway.graphite("it.disk 3 3\n");
                            assertThat(gateway.points("it.disk")).containsKey(3000L);
                            assertThat(gateway.ingest().get("diskFull").asBoolean()).isFalse();
                            assertThat(gateway.get("/actuator/health").statusCode()).isEqualTo(200);
                        });
    }

    @Test
    void theGatewayFeedsItselfAndShowsItsMeters() {
        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> {
                            assertThat(
                                            gateway.json("/api/series?q=jvm.memory.used")
                                                    .get("total")
                                                    .asInt())
                                    .isPositive();
                            assertThat(gateway.json("/api/series?q=avx.tasks").get("total").asInt())
                                    .isPositive();
                        });
        assertThat(gateway.json("/actuator/avx").get("workers").size()).isPositive();
        assertThat(gateway.get("/actuator/avxconsole").body()).contains("<title>");
        assertThat(gateway.json("/actuator/metrics/gateway.lines.accepted").toString())
                .contains("graphite");
        assertThat(gateway.get("/actuator/prometheus").body())
                .contains("gateway_queue_depth", "avx_tasks_spawned");
    }
}
