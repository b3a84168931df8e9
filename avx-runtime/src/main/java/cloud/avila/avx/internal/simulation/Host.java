package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.UnixName;
import cloud.avila.avx.internal.sys.LinuxErrno;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

/** A machine of the simulation: a name, an address, and ports. */
public final class Host {
    private static final int FIRST_FREE_PORT = 49_152;
    private static final int LAST_PORT = 65_535;

    private final String name;
    private final InetAddress address;
    private final Network network;
    private final HostDriver driver;
    private int nextPort = FIRST_FREE_PORT;

    final Map<Integer, HostListener> listeners = new HashMap<>();
    final Map<Integer, HostDatagram> datagrams = new HashMap<>();
    final Map<UnixName, HostUnixListener> unixListeners = new HashMap<>();

    Host(Network network, String name, InetAddress address) {
        this.network = network;
        this.name = name;
        this.address = address;
        this.driver = new HostDriver(network, this);
    }

    /**
     * Its name, which other hosts resolve to its address.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Its address.
     *
     * @return an IPv4 address of the simulated network
     */
    public InetAddress address() {
        return address;
    }

    IoDriver driver() {
        return driver;
    }

    InetAddress[] resolve(String host) throws IOException {
        return new InetAddress[] {
            host.equals("localhost") ? InetAddress.ofLiteral("127.0.0.1") : network.lookUp(host)
        };
    }

    /** Whether an address is one of this machine's. */
    boolean owns(InetAddress other) {
        return other.isAnyLocalAddress() || other.isLoopbackAddress() || other.equals(address);
    }

    /** The machine behind an address, or null if there is none. */
    @Nullable Host find(InetAddress other) {
        return owns(other) ? this : network.hostOf(other);
    }

    /** The port to bind: the one asked for, if it is free, or any. */
    int port(Map<Integer, ?> used, InetSocketAddress local) throws IOException {
        if (!owns(local.getAddress())) {
            throw LinuxErrno.exception("bind", local, LinuxErrno.EADDRNOTAVAIL);
        }
        if (local.getPort() == 0) {
            return freePort(used);
        }
        if (used.containsKey(local.getPort())) {
            throw LinuxErrno.exception("bind", local, LinuxErrno.EADDRINUSE);
        }
        return local.getPort();
    }

    int freePort(Map<Integer, ?> used) throws IOException {
        for (int tried = 0; tried <= LAST_PORT - FIRST_FREE_PORT; tried++) {
            int port = nextPort;
            nextPort = port == LAST_PORT ? FIRST_FREE_PORT : port + 1;
            if (!used.containsKey(port)) {
                return port;
            }
        }
        throw LinuxErrno.exception("bind", null, LinuxErrno.EADDRNOTAVAIL);
    }

    @Override
    public String toString() {
        return name;
    }
}
