package cloud.avila.avx.internal.sys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * {@code struct sockaddr_in} and {@code struct sockaddr_in6} of netinet/in.h, and {@code struct
 * sockaddr_un} of sys/un.h, on Linux.
 *
 * <p>sockaddr_in, 16 bytes: family at 0 (host order), port at 2 and address at 4 (network order).
 * sockaddr_in6, 28 bytes: family at 0, port at 2, flow information at 4, address at 8, scope at 24
 * (host order).
 */
public final class SocketAddresses {
    /** Bytes of the larger one. */
    public static final int MAX_BYTES = 28;

    /** Bytes of {@code struct sockaddr_un}, sys/un.h: the family at 0, the name at 2. */
    public static final int UNIX_BYTES = 110;

    static final int IN_BYTES = 16;

    private static final ValueLayout.OfShort FAMILY = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfShort PORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt SCOPE = ValueLayout.JAVA_INT;

    private SocketAddresses() {}

    /**
     * The family a socket for this address needs.
     *
     * @param address the address
     * @return {@link LinuxLibc#AF_INET} or {@link LinuxLibc#AF_INET6}
     */
    public static int family(InetAddress address) {
        return address instanceof Inet4Address ? LinuxLibc.AF_INET : LinuxLibc.AF_INET6;
    }

    /**
     * Writes an address for a socket of a family; an IPv4 address for an IPv6 socket is written as
     * mapped one.
     *
     * @param to at least {@link #MAX_BYTES} bytes
     * @param family the family of the socket
     * @param address a resolved address
     * @return the bytes written
     * @throws IllegalArgumentException if the address is not resolved, or an IPv6 address is meant
     *     for an IPv4 socket
     */
    public static int encode(MemorySegment to, int family, InetSocketAddress address) {
        InetAddress ip = address.getAddress();
        if (ip == null) {
            throw new IllegalArgumentException("the address " + address + " is not resolved");
        }
        byte[] bytes = ip.getAddress();
        to.set(FAMILY, 0, (short) family);
        to.set(PORT, 2, (short) address.getPort());
        if (family == LinuxLibc.AF_INET) {
            if (bytes.length != 4) {
                throw new IllegalArgumentException(
                        "an IPv4 socket cannot reach the IPv6 address " + address);
            }
            MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 4, 4);
            to.asSlice(8, 8).fill((byte) 0);
            return IN_BYTES;
        }
        to.asSlice(4, 24).fill((byte) 0);
        if (bytes.length == 4) {
            if (!ip.isAnyLocalAddress()) {
                to.set(JAVA_BYTE, 18, (byte) 0xff);
                to.set(JAVA_BYTE, 19, (byte) 0xff);
                MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 20, 4);
            }
        } else {
            MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 8, 16);
            to.set(SCOPE, 24, ((Inet6Address) ip).getScopeId());
        }
        return MAX_BYTES;
    }

    /**
     * Reads an address; a mapped IPv4 address comes back as IPv4 address.
     *
     * @param from what the kernel has written
     * @return the address
     */
    public static InetSocketAddress decode(MemorySegment from) {
        return decode(from, LinuxLibc.AF_INET6);
    }

    /** The same for a system that has another number for IPv6. */
    static InetSocketAddress decode(MemorySegment from, int ipv6) {
        int family = from.get(FAMILY, 0);
        return decodeAs(from, family == ipv6 ? LinuxLibc.AF_INET6 : family);
    }

    /** The same for a system that has the family at another place; it is in Linux's numbers. */
    static InetSocketAddress decodeAs(MemorySegment from, int family) {
        int port = from.get(PORT, 2) & 0xffff;
        try {
            if (family == LinuxLibc.AF_INET) {
                byte[] bytes = new byte[4];
                MemorySegment.copy(from, JAVA_BYTE, 4, bytes, 0, 4);
                return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
            }
            if (family == LinuxLibc.AF_INET6) {
                byte[] bytes = new byte[16];
                MemorySegment.copy(from, JAVA_BYTE, 8, bytes, 0, 16);
                int scope = from.get(SCOPE, 24);
                InetAddress ip =
                        scope == 0
                                ? InetAddress.getByAddress(bytes)
                                : Inet6Address.getByAddress(null, bytes, scope);
                return new InetSocketAddress(ip, port);
            }
        } catch (UnknownHostException e) {
            throw new AssertionError("4 or 16 bytes are always an address", e);
        }
        throw new IllegalStateException("the kernel gave an address of unknown family " + family);
    }

    /**
     * Writes the name of a Unix socket, unix(7).
     *
     * @param to at least {@link #UNIX_BYTES} bytes
     * @param name a path, or a zero byte and an abstract name; at most 107 bytes
     * @return the bytes written; of a path with the zero that ends it
     */
    public static int encodeUnix(MemorySegment to, byte[] name) {
        to.set(FAMILY, 0, (short) LinuxLibc.AF_UNIX);
        MemorySegment.copy(name, 0, to, JAVA_BYTE, 2, name.length);
        if (name.length == 0 || name[0] == 0) {
            return 2 + name.length;
        }
        to.set(JAVA_BYTE, 2 + name.length, (byte) 0);
        return 3 + name.length;
    }

    /**
     * Reads the name of a Unix socket.
     *
     * @param from what the kernel has written
     * @param length its bytes
     * @return none, those of a path without the zero that ends it, or a zero and an abstract name
     */
    public static byte[] decodeUnix(MemorySegment from, int length) {
        int count = Math.max(Math.min(length, UNIX_BYTES) - 2, 0);
        byte[] name = new byte[count];
        MemorySegment.copy(from, JAVA_BYTE, 2, name, 0, count);
        if (count == 0 || name[0] == 0) {
            return name;
        }
        int end = 0;
        while (end < count && name[end] != 0) {
            end++;
        }
        return Arrays.copyOf(name, end);
    }

    /**
     * Whether two IPv4 or IPv6 addresses written by the kernel are the same.
     *
     * @param address what the kernel has written
     * @param length its bytes
     * @param known a copy of an earlier one
     * @return whether they are equal
     */
    public static boolean matches(MemorySegment address, int length, byte[] known) {
        if (known.length != length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (address.get(JAVA_BYTE, i) != known[i]) {
                return false;
            }
        }
        return true;
    }
}
