package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class TcpStreamTest extends RuntimeSockets {
    @Test
    void fibersEchoBlockingStyle() throws Exception {
        onFiber(
                () -> {
                    try (var server = TcpListener.bind("127.0.0.1", 0)) {
                        var serving =
                                spawn(
                                        () -> {
                                            try (TcpStream c = server.accept()) {
                                                c.copyTo(c);
                                            }
                                        });
                        try (var c =
                                TcpStream.connect("127.0.0.1", server.localAddress().getPort())) {
                            byte[] reply = new byte[5];
                            for (int i = 0; i < 1000; i++) {
                                byte[] ping = String.format("%05d", i).getBytes(US_ASCII);
                                c.writeAll(ping);
                                c.readFully(reply);
                                assertArrayEquals(ping, reply);
                            }
                            c.shutdownOutput();
                            assertEquals(-1, c.read(reply));
                        }
                        serving.join();
                    }
                });
    }
}
