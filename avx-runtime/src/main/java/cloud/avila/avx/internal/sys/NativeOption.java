package cloud.avila.avx.internal.sys;

/**
 * The socket options that the runtime knows, and how each system numbers them. Values are laid out
 * alike everywhere: an int, or the structure named. Darwin does not have all.
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
    IPV6_TCLASS(Level.IPV6, 67, 36),

    /** Priority of packets. */
    SO_PRIORITY(Level.SOCKET, 12, NativeOption.NONE),

    /** Bytes that make the socket readable. */
    SO_RCVLOWAT(Level.SOCKET, 18, 0x1004),

    /** Microseconds to poll the device. */
    SO_BUSY_POLL(Level.SOCKET, 46, NativeOption.NONE),

    /** Processor that works for the socket. */
    SO_INCOMING_CPU(Level.SOCKET, 49, NativeOption.NONE),

    /** Most bytes of a segment. */
    TCP_MAXSEG(Level.TCP, 2, 2),

    /** Send full packets only. */
    TCP_CORK(Level.TCP, 3, NativeOption.NONE),

    /** Idle seconds before the first probe; {@code TCP_KEEPALIVE} of Darwin. */
    TCP_KEEPIDLE(Level.TCP, 4, 0x10),

    /** Seconds between probes. */
    TCP_KEEPINTVL(Level.TCP, 5, 0x101),

    /** Probes before a connection is dead. */
    TCP_KEEPCNT(Level.TCP, 6, 0x102),

    /** Attempts of connecting. */
    TCP_SYNCNT(Level.TCP, 7, NativeOption.NONE),

    /** Seconds to wait for the first bytes of a connection. */
    TCP_DEFER_ACCEPT(Level.TCP, 9, NativeOption.NONE),

    /** Acknowledge at once. */
    TCP_QUICKACK(Level.TCP, 12, NativeOption.NONE),

    /** Milliseconds without acknowledgement before a connection is given up. */
    TCP_USER_TIMEOUT(Level.TCP, 18, NativeOption.NONE),

    /** Connections that may be fast-opened at a time. */
    TCP_FASTOPEN(Level.TCP, 23, 0x105),

    /** Bytes not sent yet above which there is no room. */
    TCP_NOTSENT_LOWAT(Level.TCP, 25, 0x201),

    /** Hops of packets. */
    IP_TTL(Level.IP, 2, 4),

    /** Whether packets may be split: 0 yes, 2 no. */
    IP_MTU_DISCOVER(Level.IP, 10, NativeOption.NONE),

    /** Bind to an address that is not there yet. */
    IP_FREEBIND(Level.IP, 15, NativeOption.NONE),

    /** Choose the port when connecting. */
    IP_BIND_ADDRESS_NO_PORT(Level.IP, 24, NativeOption.NONE),

    /**
     * Interface for what is sent to groups: {@code struct ip_mreqn}, two addresses and the index;
     * read back as an address.
     */
    IP_MULTICAST_IF(Level.IP, 32, 9),

    /** Hops of what is sent to groups. */
    IP_MULTICAST_TTL(Level.IP, 33, 10),

    /** Whether this machine gets what it sends to groups. */
    IP_MULTICAST_LOOP(Level.IP, 34, 11),

    /** Hops of packets. */
    IPV6_UNICAST_HOPS(Level.IPV6, 16, 4),

    /** Interface for what is sent to groups, its index. */
    IPV6_MULTICAST_IF(Level.IPV6, 17, 9),

    /** Hops of what is sent to groups. */
    IPV6_MULTICAST_HOPS(Level.IPV6, 18, 10),

    /** Whether this machine gets what it sends to groups. */
    IPV6_MULTICAST_LOOP(Level.IPV6, 19, 11),

    /** Whether packets may be split: 0 yes, 2 no. */
    IPV6_MTU_DISCOVER(Level.IPV6, 23, NativeOption.NONE),

    /** Bind to an address that is not there yet. */
    IPV6_FREEBIND(Level.IPV6, 78, NativeOption.NONE);

    /** Number of an option that a system does not have. */
    private static final int NONE = -1;

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

    /**
     * Whether Darwin has it.
     *
     * @return whether it has a number there
     */
    public boolean isOnDarwin() {
        return darwin != NONE;
    }
}
