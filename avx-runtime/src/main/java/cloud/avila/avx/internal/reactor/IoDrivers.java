package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.NativeAccess;

import java.io.IOException;

/** Opens drivers by name. */
public final class IoDrivers {
    private IoDrivers() {}

    /**
     * Opens a driver.
     *
     * @param driverName {@code auto} for the best one on this system, or {@code epoll}
     * @return a new driver
     * @throws IOException if the system refuses the descriptors it needs
     * @throws UnsupportedOperationException if this system does not have the driver, or native
     *     access is denied; the message says what to do
     * @throws IllegalArgumentException if there is no driver of that name
     */
    public static IoDriver open(String driverName) throws IOException {
        return switch (driverName) {
            case "auto", "epoll" -> EpollDriver.open(NativeAccess.linux());
            default ->
                    throw new IllegalArgumentException(
                            "there is no I/O driver \""
                                    + driverName
                                    + "\"; there are \"auto\" and \"epoll\"");
        };
    }
}
