package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoCapability;
import cloud.avila.avx.internal.reactor.IoDatagram;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoListener;
import cloud.avila.avx.internal.reactor.IoStream;
import cloud.avila.avx.internal.reactor.IoUnixListener;
import cloud.avila.avx.internal.reactor.IoUnixStream;
import cloud.avila.avx.internal.reactor.UnixName;
import cloud.avila.avx.internal.sys.LinuxErrno;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Set;

/** The sockets of a host. There is nothing to poll: what arrives comes with timers. */
final class HostDriver implements IoDriver {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    private final Network network;
    private final Host host;

    HostDriver(Network network, Host host) {
        this.network = network;
        this.host = host;
    }

    @Override
    public String name() {
        return "simulation";
    }

    @Override
    public int poll(long timeoutNanos) {
        throw new IllegalStateException("nobody polls a simulated network");
    }

    @Override
    public void wakeup() {}

    @Override
    public void maxEvents(int events) {}

    @Override
    public void onFirstRegistration(Runnable action) {}

    @Override
    public int registered() {
        return network.openSockets();
    }

    @Override
    public long registeredTotal() {
        return network.openSockets();
    }

    @Override
    public long deregisteredTotal() {
        return 0;
    }

    @Override
    public long readyEvents() {
        return 0;
    }

    @Override
    public long wakeups() {
        return 0;
    }

    @Override
    public IoListener listen(InetSocketAddress local, ListenSettings settings) throws IOException {
        int port = host.port(host.listeners, local);
        var listener =
                new HostListener(
                        network,
                        host,
                        new InetSocketAddress(local.getAddress(), port),
                        settings.backlog());
        boolean set = false;
        try {
            IoDriver.setOptions(listener, settings.options());
            set = true;
        } finally {
            if (!set) {
                listener.close();
            }
        }
        return listener;
    }

    @Override
    public @Nullable IoStream connect(
            InetSocketAddress remote, ConnectSettings settings, long timeoutNanos)
            throws IOException, InterruptedException {
        InetAddress address =
                remote.getAddress().isAnyLocalAddress() ? LOOPBACK : remote.getAddress();
        var to = new InetSocketAddress(address, remote.getPort());
        Host target = host.find(address);
        if (target == null) {
            throw LinuxErrno.exception("connect to", remote, LinuxErrno.EHOSTUNREACH);
        }
        InetAddress own = address.isLoopbackAddress() ? address : host.address();
        int port = settings.local() == null ? 0 : settings.local().getPort();
        var local = new InetSocketAddress(own, port == 0 ? host.freePort(Map.of()) : port);
        var stream = new HostStream(network, host, local, target, to);
        IoDriver.setOptions(stream, settings.options());
        return stream.connect(timeoutNanos) ? stream : null;
    }

    @Override
    public IoDatagram datagram(InetSocketAddress local, DatagramSettings settings)
            throws IOException {
        int port = host.port(host.datagrams, local);
        var socket =
                new HostDatagram(network, host, new InetSocketAddress(local.getAddress(), port));
        IoDriver.setOptions(socket, settings.options());
        return socket;
    }

    // --- Unix sockets: names of the host, and connections over its loopback ---

    @Override
    public Set<IoCapability> capabilities() {
        return Set.of(
                IoCapability.READINESS_CALLBACKS,
                IoCapability.UNIX_STREAMS,
                IoCapability.ABSTRACT_NAMES);
    }

    @Override
    public IoUnixListener listenUnix(UnixName local, int backlog) throws IOException {
        if (host.unixListeners.containsKey(local)) {
            throw LinuxErrno.exception("listen on", local, LinuxErrno.EADDRINUSE);
        }
        var inner =
                new HostListener(
                        network,
                        host,
                        new InetSocketAddress(LOOPBACK, host.freePort(host.listeners)),
                        backlog);
        return new HostUnixListener(host, inner, local);
    }

    @Override
    public @Nullable IoUnixStream connectUnix(UnixName remote, long timeoutNanos)
            throws IOException, InterruptedException {
        HostUnixListener listener = host.unixListeners.get(remote);
        if (listener == null) {
            throw LinuxErrno.exception("connect to", remote, LinuxErrno.ECONNREFUSED);
        }
        IoStream stream =
                connect(listener.inner().localAddress(), ConnectSettings.DEFAULTS, timeoutNanos);
        return stream == null ? null : new HostUnixStream(stream, UnixName.UNNAMED, remote);
    }

    /** A host's sockets end with the simulation. */
    @Override
    public void close() {}
}
