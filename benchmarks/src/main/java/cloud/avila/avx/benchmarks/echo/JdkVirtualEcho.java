package cloud.avila.avx.benchmarks.echo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** A virtual thread of the JDK per connection, on plain sockets. */
final class JdkVirtualEcho {
    private JdkVirtualEcho() {}

    static void serve(int buffer) throws InterruptedException {
        Thread.ofVirtual().name("acceptor").start(() -> accept(buffer)).join();
    }

    private static void accept(int buffer) {
        try (var server =
                new ServerSocket(0, EchoServer.BACKLOG, InetAddress.getLoopbackAddress())) {
            EchoServer.listening(server.getLocalPort());
            while (true) {
                Socket socket = server.accept();
                Thread.startVirtualThread(() -> echo(socket, buffer));
            }
        } catch (IOException e) {
            throw new IllegalStateException("cannot accept", e);
        }
    }

    private static void echo(Socket socket, int size) {
        try (socket) {
            socket.setTcpNoDelay(true);
            var in = socket.getInputStream();
            var out = socket.getOutputStream();
            byte[] buffer = new byte[size];
            int n;
            while ((n = in.read(buffer)) > 0) {
                out.write(buffer, 0, n);
            }
        } catch (IOException ended) {
            // the load generator ends its connections with a reset
        }
    }
}
