package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.scheduler.Scheduler;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** What opening a socket needs of the runtime around the caller. */
final class Runtimes {
    private Runtimes() {}

    /** The driver of the current runtime. */
    static IoDriver driver() throws IOException {
        Scheduler scheduler = Scheduler.current();
        if (scheduler == null) {
            throw new IllegalStateException(
                    "no runtime is current on this thread; open sockets in a fiber or job (rt.spawn,"
                            + " rt.blockOn, handle.execute), or between rt.enter() and the end of"
                            + " its guard");
        }
        try {
            return scheduler.driver();
        } catch (UncheckedIOException e) {
            throw new IOException(e.getMessage(), e.getCause());
        }
    }

    /** Every address of this machine, of both families where it has IPv6. */
    static InetSocketAddress anyAddress(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("::"), port);
    }

    /**
     * The addresses of a host. The JDK's resolver blocks its thread, so names go to the blocking
     * pool.
     */
    static InetAddress[] resolve(String host) throws IOException, InterruptedException {
        try {
            return new InetAddress[] {InetAddress.ofLiteral(host)};
        } catch (IllegalArgumentException notLiteral) {
            return lookUp(host);
        }
    }

    private static InetAddress[] lookUp(String host) throws IOException, InterruptedException {
        Scheduler scheduler = Scheduler.current();
        return scheduler == null ? InetAddress.getAllByName(host) : scheduler.resolve(host);
    }
}
