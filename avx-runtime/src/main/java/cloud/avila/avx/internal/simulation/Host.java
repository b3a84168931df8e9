package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoDriver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** A machine of the simulation. */
final class Host {
    private final String name;

    Host(String name) {
        this.name = name;
    }

    InetAddress[] resolve(String host) throws IOException {
        throw new UnknownHostException(host + ": names are not simulated");
    }

    IoDriver driver() {
        throw new IllegalStateException("sockets are not simulated");
    }

    @Override
    public String toString() {
        return name;
    }
}
