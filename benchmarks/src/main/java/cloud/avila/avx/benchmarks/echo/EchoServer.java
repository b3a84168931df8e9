package cloud.avila.avx.benchmarks.echo;

import cloud.avila.avx.ReactorDriver;

/**
 * Echo servers on the loopback address: each sends back what it receives, with {@code TCP_NODELAY},
 * a backlog of {@value #BACKLOG} and a buffer of the same size for each connection. Prints {@code
 * PORT n} when it listens, or {@code SKIP reason} if the contestant cannot run here. A connection
 * that fails just ends: the load generator checks every reply and reports a missing one.
 */
public final class EchoServer {
    static final int BACKLOG = 4096;

    private EchoServer() {}

    /**
     * Serves until killed.
     *
     * @param args contestant, number of worker threads, bytes of a connection's buffer
     * @throws Exception if the server cannot start
     */
    public static void main(String[] args) throws Exception {
        if (args.length != 3) {
            throw new IllegalArgumentException("expected CONTESTANT WORKERS BUFFER");
        }
        int workers = Integer.parseInt(args[1]);
        int buffer = Integer.parseInt(args[2]);
        switch (args[0]) {
            case "avx" -> AvxEcho.serve(workers, ReactorDriver.AUTO, buffer);
            case "avx-io_uring" -> AvxEcho.serve(workers, ReactorDriver.IO_URING, buffer);
            case "jdk-virtual" -> JdkVirtualEcho.serve(buffer);
            case "netty-epoll" -> NettyEcho.serveEpoll(workers);
            case "netty-io_uring" -> NettyEcho.serveIoUring(workers);
            default -> throw new IllegalArgumentException("no server " + args[0]);
        }
    }

    static void listening(int port) {
        System.out.println("PORT " + port);
    }

    static void cannotRun(String reason) {
        System.out.println("SKIP " + reason);
    }
}
