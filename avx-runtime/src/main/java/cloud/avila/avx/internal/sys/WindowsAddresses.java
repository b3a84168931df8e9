package cloud.avila.avx.internal.sys;

import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * {@code struct sockaddr_in} and {@code struct sockaddr_in6} of ws2def.h and ws2ipdef.h: laid out
 * as {@link SocketAddresses} says, with another number for IPv6.
 */
public final class WindowsAddresses {
    private WindowsAddresses() {}

    /**
     * The family a socket for this address needs.
     *
     * @param address the address
     * @return {@link Winsock#AF_INET} or {@link Winsock#AF_INET6}
     */
    public static int family(InetAddress address) {
        return address instanceof Inet4Address ? Winsock.AF_INET : Winsock.AF_INET6;
    }

    /**
     * Writes an address for a socket of a family; an IPv4 address for an IPv6 socket is written as
     * mapped one.
     *
     * @param to at least {@link SocketAddresses#MAX_BYTES} bytes
     * @param family the family of the socket
     * @param address a resolved address
     * @return the bytes written
     * @throws IllegalArgumentException if the address is not resolved, or an IPv6 address is meant
     *     for an IPv4 socket
     */
    public static int encode(MemorySegment to, int family, InetSocketAddress address) {
        return SocketAddresses.encode(to, family, address);
    }

    /**
     * Reads an address; a mapped IPv4 address comes back as IPv4 address.
     *
     * @param from what the system has written
     * @return the address
     */
    public static InetSocketAddress decode(MemorySegment from) {
        return SocketAddresses.decode(from, Winsock.AF_INET6);
    }
}
