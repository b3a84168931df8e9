package cloud.avila.avx.benchmarks.echo;

import cloud.avila.avx.ReactorDriver;

/**
 * Echo servers on this machine: each sends back what it receives. TCP on the loopback address, with
 * {@code TCP_NODELAY}; a Unix socket; or one UDP socket. A backlog of {@value #BACKLOG} and a
 * buffer of the same size for each connection. Prints {@code TARGET t} when it can be reached, or
 * {@code SKIP reason} if the contestant cannot run here. A connection that fails just ends: the
 * load generator checks every reply and reports a missing one.
 */
public final class EchoServer {
    static final int BACKLOG = 4096;

    private EchoServer() {}

    /**
     * What to serve.
     *
     * @param workers threads
     * @param buffer of a connection, in bytes
     * @param transport tcp, udp, or unix: and a path
     */
    record Service(int workers, int buffer, String transport) {
        boolean isUdp() {
            return transport.equals("udp");
        }

        boolean isUnix() {
            return transport.startsWith("unix:");
        }

        String path() {
            return transport.substring("unix:".length());
        }

        /** Says that the server can be reached. */
        void listening(int port) {
            System.out.println("TARGET " + (isUnix() ? transport : transport + ":" + port));
        }
    }

    /**
     * Serves until killed.
     *
     * @param args contestant, number of worker threads, bytes of a connection's buffer, transport
     * @throws Exception if the server cannot start
     */
    public static void main(String[] args) throws Exception {
        if (args.length != 4) {
            throw new IllegalArgumentException("expected CONTESTANT WORKERS BUFFER TRANSPORT");
        }
        var service = new Service(Integer.parseInt(args[1]), Integer.parseInt(args[2]), args[3]);
        switch (args[0]) {
            case "avx" -> AvxEcho.serve(service, ReactorDriver.AUTO);
            case "avx-io_uring" -> AvxEcho.serve(service, ReactorDriver.IO_URING);
            case "jdk-virtual" -> JdkVirtualEcho.serve(service);
            case "netty-epoll" -> NettyEcho.serveEpoll(service);
            case "netty-io_uring" -> NettyEcho.serveIoUring(service);
            default -> throw new IllegalArgumentException("no server " + args[0]);
        }
    }

    static void cannotRun(String reason) {
        System.out.println("SKIP " + reason);
    }
}
