package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;
import cloud.avila.avx.simulation.SimulatedRuntime;
import cloud.avila.avx.simulation.junit.SimulationTest;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

@Tag("simulation")
class SimulationExampleTest {
    private final List<String> orders = new ArrayList<>();

    @SimulationTest(seeds = 200)
    void anOrderIsTakenOnceHoweverTheNetworkFails(SimulatedRuntime sim) throws Exception {
        sim.network().latency(Duration.ofMillis(1), Duration.ofMillis(50));
        sim.host("shop").spawn("shop", this::takeOrders).detach();
        JoinHandle<Integer> customer = sim.host("customer").spawn("customer", () -> order("book"));

        sim.advance(Duration.ofMillis(sim.random().nextInt(200)));
        sim.network().partition("shop", "customer");
        sim.advance(Duration.ofMinutes(5));
        sim.network().healAll();

        int attempts = customer.join();
        assertTrue(attempts >= 1);
        assertEquals(List.of("book"), orders);
    }

    int order(String title) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            try (var shop = TcpStream.connect("shop", 7000, Duration.ofSeconds(5))) {
                shop.readTimeout(Duration.ofSeconds(5));
                shop.writeAll((title + "\n").getBytes(US_ASCII));
                if (shop.read(new byte[1]) == 1) {
                    return attempt;
                }
            } catch (IOException e) {
                Thread.sleep(Duration.ofSeconds(1));
            }
        }
    }

    boolean takeOrders() throws IOException, InterruptedException {
        try (var listener = TcpListener.bind(7000)) {
            for (; ; ) {
                TcpStream connection = listener.accept();
                JoinHandle<Boolean> serving = Handle.current().spawn(() -> serve(connection));
                assertTrue(serving.id() > 0);
            }
        }
    }

    private boolean serve(TcpStream connection) throws InterruptedException {
        try (connection) {
            var line = new StringBuilder();
            byte[] one = new byte[1];
            while (connection.read(one) == 1 && one[0] != '\n') {
                line.append((char) one[0]);
            }
            if (!orders.contains(line.toString())) {
                orders.add(line.toString());
            }
            connection.writeAll("k".getBytes(US_ASCII));
            connection.shutdownOutput();
            return connection.read(one) < 0;
        } catch (IOException e) {
            return false; // the customer comes again
        }
    }

    @Test
    void anHourTakesNoTime() throws Exception {
        try (var sim = SimulatedRuntime.seeded(42)) {
            String answer =
                    sim.run(
                            () -> {
                                JoinHandle<String> slow =
                                        Handle.current()
                                                .spawn(
                                                        () -> {
                                                            Thread.sleep(Duration.ofHours(1));
                                                            return "worth waiting for";
                                                        });
                                return slow.join();
                            });
            assertEquals("worth waiting for", answer);
            assertEquals(Duration.ofHours(1), sim.time());
        }
    }
}
