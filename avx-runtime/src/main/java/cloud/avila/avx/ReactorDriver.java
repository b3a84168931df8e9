package cloud.avila.avx;

/**
 * Which interface of the operating system waits for sockets. One that is asked for by its name is
 * opened when the runtime starts, which fails where the system lacks it; that of {@link #AUTO} is
 * opened with the first socket.
 */
public enum ReactorDriver {
    /** The best one available on this system. */
    AUTO,

    /** Linux epoll(7). */
    EPOLL,

    /**
     * Linux io_uring(7), since 5.19. Where the kernel or the filter of a container refuses it, a
     * warning is logged and epoll is used.
     */
    IO_URING,

    /** kqueue(2) of macOS. */
    KQUEUE,

    /** I/O completion ports of Windows. */
    IOCP
}
