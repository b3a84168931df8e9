package cloud.avila.avx;

/** Which interface of the operating system waits for sockets. */
public enum ReactorDriver {
    /** The best one available on this system. */
    AUTO,

    /** Linux epoll(7). */
    EPOLL
}
