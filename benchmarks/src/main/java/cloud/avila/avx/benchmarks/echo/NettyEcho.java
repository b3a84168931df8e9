package cloud.avila.avx.benchmarks.echo;

import cloud.avila.avx.benchmarks.echo.EchoServer.Service;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringDatagramChannel;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.channel.uring.IoUringServerSocketChannel;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Netty on its native transports, its default allocator, one handler that writes and flushes. */
final class NettyEcho {
    private NettyEcho() {}

    private record Transport(
            IoHandlerFactory handlers,
            Class<? extends ServerChannel> tcp,
            Class<? extends ServerChannel> unix,
            Class<? extends Channel> udp) {}

    static void serveEpoll(Service service) throws InterruptedException {
        if (Epoll.isAvailable()) {
            serve(
                    new Transport(
                            EpollIoHandler.newFactory(),
                            EpollServerSocketChannel.class,
                            EpollServerDomainSocketChannel.class,
                            EpollDatagramChannel.class),
                    service);
        } else {
            EchoServer.cannotRun("Netty's epoll: " + Epoll.unavailabilityCause());
        }
    }

    static void serveIoUring(Service service) throws InterruptedException {
        if (IoUring.isAvailable()) {
            serve(
                    new Transport(
                            IoUringIoHandler.newFactory(),
                            IoUringServerSocketChannel.class,
                            IoUringServerDomainSocketChannel.class,
                            IoUringDatagramChannel.class),
                    service);
        } else {
            EchoServer.cannotRun("Netty's io_uring: " + IoUring.unavailabilityCause());
        }
    }

    private static void serve(Transport transport, Service service) throws InterruptedException {
        var group = new MultiThreadIoEventLoopGroup(service.workers(), transport.handlers);
        Channel server;
        if (service.isUdp()) {
            server =
                    new Bootstrap()
                            .group(group)
                            .channel(transport.udp)
                            .handler(new DatagramHandler())
                            .bind(InetAddress.getLoopbackAddress(), 0)
                            .sync()
                            .channel();
        } else {
            var bootstrap =
                    new ServerBootstrap()
                            .group(group)
                            .channel(service.isUnix() ? transport.unix : transport.tcp)
                            .option(ChannelOption.SO_BACKLOG, EchoServer.BACKLOG)
                            .childHandler(
                                    new ChannelInitializer<>() {
                                        @Override
                                        protected void initChannel(Channel channel) {
                                            channel.pipeline().addLast(new Handler());
                                        }
                                    });
            if (!service.isUnix()) {
                bootstrap.childOption(ChannelOption.TCP_NODELAY, true);
            }
            var local =
                    service.isUnix()
                            ? new DomainSocketAddress(service.path())
                            : new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            server = bootstrap.bind(local).sync().channel();
        }
        service.listening(server.localAddress() instanceof InetSocketAddress a ? a.getPort() : 0);
        server.closeFuture().sync();
    }

    private static final class Handler extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message, context.voidPromise());
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    private static final class DatagramHandler extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            var packet = (DatagramPacket) message;
            context.writeAndFlush(
                    new DatagramPacket(packet.content(), packet.sender()), context.voidPromise());
        }
    }
}
