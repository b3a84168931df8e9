package cloud.avila.avx.benchmarks.echo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.benchmarks.workload.LatencyHistogram;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

class LoadGeneratorTest {
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aReplyThatDiffersFromTheMessageIsAnError(boolean busy) throws Exception {
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread echo = Thread.ofVirtual().start(() -> answerOnceWithOneByteChanged(server));
            String target = "tcp:" + server.getLocalPort();
            String own = Long.toString(ProcessHandle.current().pid());
            String phase = "1:64:1000:1000";
            String[] args =
                    busy
                            ? new String[] {target, own, "busy", phase}
                            : new String[] {target, own, phase};
            var e = assertThrows(Exception.class, () -> LoadGenerator.main(args));
            assertTrue(e.toString().contains("reply 1 differs"), e.toString());
            echo.join();
        }
    }

    private static void answerOnceWithOneByteChanged(ServerSocket server) {
        try (var socket = server.accept()) {
            byte[] message = socket.getInputStream().readNBytes(64);
            message[63] ^= 1;
            socket.getOutputStream().write(message);
            assertEquals(-1, socket.getInputStream().read());
        } catch (IOException reset) {
            // the load generator leaves with a reset
        }
    }

    @Test
    void quantilesAreTheLowerBoundsOfTheirBuckets() {
        var latencies = new LatencyHistogram();
        for (int i = 1; i <= 99; i++) {
            latencies.record(i * 1_000L);
        }
        latencies.record(5_000_000_000L);
        assertEquals(51.0, latencies.micros(0.5));
        assertEquals(99.0, latencies.micros(0.98));
        assertEquals(4_001_900.0, latencies.micros(0.99));
    }
}
