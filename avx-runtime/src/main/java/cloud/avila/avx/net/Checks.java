package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.UnixName;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

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

    static InetAddress group(InetAddress address) {
        if (!address.isMulticastAddress()) {
            throw new IllegalArgumentException(
                    address.getHostAddress() + " is not the address of a multicast group");
        }
        return address;
    }

    static UnixName named(UnixAddress address) {
        if (address.isUnnamed()) {
            throw new IllegalArgumentException("the unnamed address cannot be reached");
        }
        return address.name();
    }

    /** A timeout of one call; zero does not wait. */
    static long nanos(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout must not be negative, but is " + timeout);
        }
        return saturated(timeout);
    }

    /** A timeout that must not be zero. */
    static long positiveNanos(Duration timeout) {
        if (timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be more than zero");
        }
        return nanos(timeout);
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

    /** What {@code whenReadable} and {@code whenWritable} of a driver tell. */
    static boolean ready(int result, String operation, Object target) throws IOException {
        if (result == IoDriver.CLOSED) {
            throw closed(operation, target);
        }
        return result == 0;
    }

    /** An action of the user that may run on the thread which polls, and must not harm it. */
    static Runnable guarded(Runnable action) {
        Objects.requireNonNull(action, "action");
        return () -> {
            try {
                action.run();
            } catch (Throwable e) {
                Thread thread = Thread.currentThread();
                thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
            }
        };
    }

    static <T> Map<SocketOption<?>, Object> with(
            Map<SocketOption<?>, Object> options, SocketOption<T> option, T value) {
        var all = new HashMap<SocketOption<?>, Object>(options);
        all.put(option, option.type().cast(Objects.requireNonNull(value, option.name())));
        return all;
    }

    static void range(long position, long count) {
        if (position < 0 || count < 0) {
            throw new IllegalArgumentException(
                    "position and count must not be negative, but are "
                            + position
                            + " and "
                            + count);
        }
    }

    /** A piece of a transfer. */
    interface Piece {
        /** Bytes transferred, or END_OF_STREAM. */
        int transfer(long done) throws IOException, InterruptedException;
    }

    /** Transfers piece after piece, and tells how much was done when it does not get to the end. */
    static long transfer(long count, Piece piece) throws IOException, InterruptedException {
        long done = 0;
        try {
            while (done < count) {
                int transferred = piece.transfer(done);
                if (transferred < 0) {
                    break;
                }
                done += transferred;
            }
            return done;
        } catch (SocketTimeoutException e) {
            e.bytesTransferred = (int) Math.min(done, Integer.MAX_VALUE);
            throw e;
        } catch (InterruptedException e) {
            var told =
                    new InterruptedException(
                            "interrupted after " + done + " of " + count + " bytes");
            told.initCause(e);
            throw told;
        }
    }
}
