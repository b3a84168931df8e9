package cloud.avila.avx.benchmarks.echo;

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
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerSocketChannel;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Netty on its native transports, its default allocator, one handler that writes and flushes. */
final class NettyEcho {
    private NettyEcho() {}

    static void serveEpoll(int workers) throws InterruptedException {
        if (Epoll.isAvailable()) {
            serve(EpollIoHandler.newFactory(), EpollServerSocketChannel.class, workers);
        } else {
            EchoServer.cannotRun("Netty's epoll: " + Epoll.unavailabilityCause());
        }
    }

    static void serveIoUring(int workers) throws InterruptedException {
        if (IoUring.isAvailable()) {
            serve(IoUringIoHandler.newFactory(), IoUringServerSocketChannel.class, workers);
        } else {
            EchoServer.cannotRun("Netty's io_uring: " + IoUring.unavailabilityCause());
        }
    }

    private static void serve(
            IoHandlerFactory handlers, Class<? extends ServerChannel> type, int workers)
            throws InterruptedException {
        var group = new MultiThreadIoEventLoopGroup(workers, handlers);
        Channel server =
                new ServerBootstrap()
                        .group(group)
                        .channel(type)
                        .option(ChannelOption.SO_BACKLOG, EchoServer.BACKLOG)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childHandler(
                                new ChannelInitializer<>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.pipeline().addLast(new Handler());
                                    }
                                })
                        .bind(InetAddress.getLoopbackAddress(), 0)
                        .sync()
                        .channel();
        EchoServer.listening(((InetSocketAddress) server.localAddress()).getPort());
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
}
