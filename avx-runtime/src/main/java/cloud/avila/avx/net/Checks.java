package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;

import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;

/** Checks of arguments, and the exceptions that the results of drivers become. */
final class Checks {
    private Checks() {}

    static void bufferSize(String name, int bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException(
                    name + " must be 0 (the system's default) or more, but is " + bytes);
        }
    }

    static int port(int port) {
        if (port < 0 || port > 0xffff) {
            throw new IllegalArgumentException("port must be 0 to 65535, but is " + port);
        }
        return port;
    }

    static InetSocketAddress resolved(InetSocketAddress address) {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException(
                    "the address " + address + " is not resolved; pass the host name instead");
        }
        return address;
    }

    /** A timeout of one call; zero does not wait. */
    static long nanos(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout must not be negative, but is " + timeout);
        }
        return saturated(timeout);
    }

    /** A timeout that stays; zero waits for ever. */
    static long nanosOrForever(Duration timeout) {
        long nanos = nanos(timeout);
        return nanos == 0 ? IoDriver.FOREVER : nanos;
    }

    private static long saturated(Duration timeout) {
        return timeout.getSeconds() >= Long.MAX_VALUE / 1_000_000_000
                ? Long.MAX_VALUE
                : timeout.toNanos();
    }

    static Duration duration(long nanos) {
        return nanos < 0 ? Duration.ZERO : Duration.ofNanos(nanos);
    }

    static SocketTimeoutException timedOut(String operation, Object target, long nanos) {
        return new SocketTimeoutException(
                operation + " " + target + " timed out after " + Duration.ofNanos(nanos));
    }

    static SocketClosedException closed(String operation, Object target) {
        return new SocketClosedException(operation + " " + target + ": the socket is closed");
    }
}
