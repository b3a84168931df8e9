package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.EnterGuard;
import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.Priority;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;

import org.junit.jupiter.api.Test;

import java.io.InputStream;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

class ReadmeExampleTest {
    static void serveEcho(int port) throws Exception {
        try (var rt = AvxRuntime.create();
                EnterGuard entered = rt.enter();
                var server = TcpListener.bind("127.0.0.1", port)) {
            while (true) {
                TcpStream client = server.accept();
                rt.spawn(
                        () -> {
                            try (client) {
                                return client.copyTo(client);
                            }
                        });
            }
        }
    }

    private static int price(int item) {
        return item * 100;
    }

    @Test
    void theEchoServerEchoesUntilItIsInterrupted() throws Exception {
        int port = freePort();
        var end = new CompletableFuture<Throwable>();
        Thread server =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        serveEcho(port);
                                    } catch (Throwable e) {
                                        end.complete(e);
                                    }
                                });
        try (Socket socket = connect(port)) {
            byte[] hello = "hello".getBytes(StandardCharsets.UTF_8);
            socket.getOutputStream().write(hello);
            InputStream in = socket.getInputStream();
            assertEquals("hello", new String(in.readNBytes(5), StandardCharsets.UTF_8));
        }
        server.interrupt();
        assertInstanceOf(InterruptedException.class, end.join());
        server.join();
    }

    @Test
    void fibersAreJoined() throws Exception {
        try (var rt = AvxRuntime.create()) {
            int total =
                    rt.<Integer>blockOn(
                            () -> {
                                JoinHandle<Integer> a = rt.spawn(() -> price(1));
                                JoinHandle<Integer> b = rt.spawn("price-2", () -> price(2));
                                return a.join() + b.join(Duration.ofSeconds(10));
                            });
            assertEquals(300, total);
        }
    }

    private static int freePort() throws Exception {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static Socket connect(int port) throws Exception {
        for (; ; ) {
            try {
                return new Socket("127.0.0.1", port);
            } catch (ConnectException e) {
                Thread.sleep(10);
            }
        }
    }

    private static byte[] slowNativeHash(String file) {
        return file.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void codeThatBlocksItsThreadSaysSo() throws Exception {
        try (var rt = AvxRuntime.create()) {
            String file = "a file";
            int length =
                    rt.blockOn(
                            () -> {
                                byte[] digest = Handle.blockInPlace(() -> slowNativeHash(file));
                                return digest.length;
                            });
            assertEquals(6, length);
        }
    }

    @Test
    void tasksHavePrioritiesAndTheNumberOfWorkersChanges() throws Exception {
        var ready = new CountDownLatch(1);
        try (var rt = AvxRuntime.create()) {
            Handle batch = rt.handle().withPriority(Priority.BACKGROUND);
            JoinHandle<Integer> report = batch.spawn(() -> price(7));
            rt.handle().withPriority(Priority.INTERACTIVE).execute(ready::countDown);
            rt.resize(4);
            ready.await();
            assertEquals(700, report.join());
        }
    }
}
