package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.LinuxUring;
import cloud.avila.avx.internal.sys.NativeAccess;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.Consumer;

/** Opens drivers by name. */
public final class IoDrivers {
    /** The name that stands for the best driver there is. */
    public static final String AUTO = "auto";

    private static final Logger LOG = System.getLogger(IoDrivers.class.getName());

    private IoDrivers() {}

    /**
     * Opens a driver.
     *
     * <p>Where the kernel, or the filter of a container, refuses io_uring, a warning says so and
     * epoll is used.
     *
     * @param driverName {@code auto} for the best one on this system, {@code epoll} or {@code
     *     io_uring} (Linux), {@code kqueue} (macOS) or {@code iocp} (Windows)
     * @param fallback is told why, if the system refuses the driver and another takes its place
     * @return a new driver
     * @throws IOException if the system refuses the descriptors it needs
     * @throws UnsupportedOperationException if this system does not have the driver, or native
     *     access is denied; the message says what to do
     * @throws IllegalArgumentException if there is no driver of that name
     */
    public static IoDriver open(String driverName, Consumer<String> fallback) throws IOException {
        return switch (driverName) {
            case AUTO -> open(resolve(AUTO), fallback);
            case "epoll" -> EpollDriver.open(NativeAccess.linux());
            case "io_uring" -> uring(NativeAccess.linux(), NativeAccess.linuxUring(), fallback);
            case "kqueue" -> KqueueDriver.open(NativeAccess.darwin());
            case "iocp" -> IocpDriver.open(NativeAccess.windows(), false);
            default ->
                    throw new IllegalArgumentException(
                            "there is no I/O driver \""
                                    + driverName
                                    + "\"; there are \"auto\", \"epoll\", \"io_uring\","
                                    + " \"kqueue\" and \"iocp\"");
        };
    }

    /**
     * The driver that a name stands for.
     *
     * @param driverName as for {@link #open}
     * @return the same, or what {@code auto} means on this system
     */
    public static String resolve(String driverName) {
        return driverName.equals(AUTO) ? best(System.getProperty("os.name")) : driverName;
    }

    /** What {@code auto} means; where there is nothing, the error of epoll says so. */
    static String best(String os) {
        if (os.startsWith("Windows")) {
            return "iocp";
        }
        return os.startsWith("Mac") ? "kqueue" : "epoll";
    }

    static IoDriver uring(LinuxLibc libc, LinuxUring uring, Consumer<String> fallback)
            throws IOException {
        try {
            return UringDriver.open(libc, uring, UringDriver.Settings.DEFAULTS);
        } catch (UringUnavailableException e) {
            LOG.log(
                    Level.WARNING,
                    e.getMessage() + "; using epoll, set avx.reactor.driver=epoll to silence this");
            IoDriver epoll = EpollDriver.open(libc);
            fallback.accept(String.valueOf(e.getMessage()));
            return epoll;
        }
    }
}
