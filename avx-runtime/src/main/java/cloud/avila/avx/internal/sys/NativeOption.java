package cloud.avila.avx.internal.sys;

/**
 * The socket options that the runtime sets, and how each system numbers them. Values are laid out
 * alike everywhere: an int, or the structure named.
 *
 * <p>Sources: asm-generic/socket.h, linux/in.h, linux/in6.h and linux/tcp.h of Linux; sys/socket.h,
 * netinet/in.h, netinet6/in6.h and netinet/tcp.h of Darwin (xnu).
 */
public enum NativeOption {
    /** Bind although old connections linger. */
    SO_REUSEADDR(Level.SOCKET, 2, 0x0004),

    /** Share the port. */
    SO_REUSEPORT(Level.SOCKET, 15, 0x0200),

    /** Probe idle connections. */
    SO_KEEPALIVE(Level.SOCKET, 9, 0x0008),

    /** May send to broadcast addresses. */
    SO_BROADCAST(Level.SOCKET, 6, 0x0020),

    /** Size of the send buffer in bytes. */
    SO_SNDBUF(Level.SOCKET, 7, 0x1001),

    /** Size of the receive buffer in bytes. */
    SO_RCVBUF(Level.SOCKET, 8, 0x1002),

    /**
     * What close does with unsent data: {@code struct linger}, an int for on or off, an int for
     * seconds. On Darwin this is SO_LINGER_SEC; its SO_LINGER counts clock ticks.
     */
    SO_LINGER(Level.SOCKET, 13, 0x1080),

    /** Send small pieces at once. */
    TCP_NODELAY(Level.TCP, 1, 1),

    /** Type of service. */
    IP_TOS(Level.IP, 1, 3),

    /** Keep IPv4 out of an IPv6 socket. */
    IPV6_V6ONLY(Level.IPV6, 26, 27),

    /** Traffic class. */
    IPV6_TCLASS(Level.IPV6, 67, 36);

    private enum Level {
        SOCKET(1, 0xffff),
        IP(0, 0),
        TCP(6, 6),
        IPV6(41, 41);

        private final int linux;
        private final int darwin;

        Level(int linux, int darwin) {
            this.linux = linux;
            this.darwin = darwin;
        }
    }

    private final Level level;
    private final int linux;
    private final int darwin;

    NativeOption(Level level, int linux, int darwin) {
        this.level = level;
        this.linux = linux;
        this.darwin = darwin;
    }

    int linuxLevel() {
        return level.linux;
    }

    int linuxNumber() {
        return linux;
    }

    int darwinLevel() {
        return level.darwin;
    }

    int darwinNumber() {
        return darwin;
    }
}
