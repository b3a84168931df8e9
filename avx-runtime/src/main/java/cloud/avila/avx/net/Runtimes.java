package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.scheduler.OpenSchedulers;
import cloud.avila.avx.internal.scheduler.Scheduler;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

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
        return driver(scheduler);
    }

    private static IoDriver driver(Scheduler scheduler) throws IOException {
        try {
            return scheduler.driver();
        } catch (UncheckedIOException e) {
            throw new IOException(e.getMessage(), e.getCause());
        }
    }

    /** The driver of the current runtime, else of the only one that is open. */
    static IoDriver currentOrOnlyDriver() throws IOException {
        Scheduler current = Scheduler.current();
        if (current != null) {
            return driver(current);
        }
        List<Scheduler> open = OpenSchedulers.all();
        if (open.size() != 1) {
            throw new IOException(
                    "no runtime is current on "
                            + Thread.currentThread()
                            + ", and "
                            + (open.isEmpty()
                                    ? "none is open"
                                    : names(open) + " are open: give the factory the name of one"));
        }
        return driver(open.getFirst());
    }

    /** The driver of the open runtime of that name. */
    static IoDriver driverOf(String name) throws IOException {
        List<Scheduler> open = OpenSchedulers.all();
        for (Scheduler scheduler : open) {
            if (scheduler.name().equals(name)) {
                return driver(scheduler);
            }
        }
        throw new IOException("no runtime named \"" + name + "\" is open; open are " + names(open));
    }

    private static List<String> names(List<Scheduler> schedulers) {
        return schedulers.stream().map(Scheduler::name).sorted().toList();
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
