package cloud.avila.avx.benchmarks.echo;

import cloud.avila.avx.benchmarks.echo.EchoServer.Service;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A virtual thread of the JDK per connection, on its blocking sockets. */
final class JdkVirtualEcho {
    private JdkVirtualEcho() {}

    static void serve(Service service) throws InterruptedException {
        Thread.ofVirtual().name("acceptor").start(() -> run(service)).join();
    }

    private static void run(Service service) {
        try {
            if (service.isUdp()) {
                datagrams(service);
            } else if (service.isUnix()) {
                acceptUnix(service);
            } else {
                acceptTcp(service);
            }
        } catch (IOException e) {
            throw new IllegalStateException("cannot serve", e);
        }
    }

    private static void acceptTcp(Service service) throws IOException {
        try (var server =
                new ServerSocket(0, EchoServer.BACKLOG, InetAddress.getLoopbackAddress())) {
            service.listening(server.getLocalPort());
            while (true) {
                Socket socket = server.accept();
                Thread.startVirtualThread(() -> echo(socket, service.buffer()));
            }
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

    private static void acceptUnix(Service service) throws IOException {
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(service.path()), EchoServer.BACKLOG);
            service.listening(0);
            while (true) {
                SocketChannel channel = server.accept();
                Thread.startVirtualThread(() -> echo(channel, service.buffer()));
            }
        }
    }

    private static void echo(SocketChannel channel, int size) {
        try (channel) {
            var buffer = ByteBuffer.allocateDirect(size);
            while (channel.read(buffer.clear()) > 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
        } catch (IOException ended) {
            // the load generator ends its connections with a reset
        }
    }

    private static void datagrams(Service service) throws IOException {
        try (var channel = DatagramChannel.open(StandardProtocolFamily.INET)) {
            channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            service.listening(((InetSocketAddress) channel.getLocalAddress()).getPort());
            var buffer = ByteBuffer.allocateDirect(service.buffer());
            while (true) {
                SocketAddress from = channel.receive(buffer.clear());
                channel.send(buffer.flip(), from);
            }
        }
    }
}
