package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Oneshot;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.channel.Sender;

import org.junit.jupiter.api.Test;

import java.time.Duration;

class ChannelsExampleTest {
    private record Order(int amount, Oneshot<String> reply) {}

    @Test
    void ordersAreHandledAndAnswered() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var orders = Mpsc.<Order>bounded(1024);
            var prices = Broadcast.<Integer>create(64);
            Receiver<Order> incoming = orders.receiver();
            JoinHandle<Integer> desk =
                    rt.spawn(
                            () -> {
                                int total = 0;
                                for (Order order : incoming) { // ends when all senders are closed
                                    total += order.amount();
                                    prices.send(order.amount());
                                    order.reply().send("done");
                                }
                                return total;
                            });
            try (Sender<Order> tx = orders.sender()) {
                Oneshot<String> reply = Oneshot.create();
                tx.send(new Order(5, reply));
                assertEquals("done", reply.recv(Duration.ofSeconds(10)));
            }
            assertEquals(5, desk.join());
        }
    }
}
