package cloud.avila.avx.net;

import org.jspecify.annotations.Nullable;

import java.net.SocketTimeoutException;
import java.time.Duration;

/** A time for an operation of several steps. */
final class Limit {
    private final Duration timeout;
    private final long begin = System.nanoTime();
    private final long nanos;

    private Limit(Duration timeout, long nanos) {
        this.timeout = timeout;
        this.nanos = nanos;
    }

    static Limit of(Duration timeout) {
        return new Limit(timeout, Checks.positiveNanos(timeout));
    }

    /** What is left of it, more than zero. */
    long left() throws SocketTimeoutException {
        long left = nanos - (System.nanoTime() - begin);
        if (left <= 0) {
            throw new SocketTimeoutException("timed out after " + timeout);
        }
        return left;
    }

    /** The exception of the whole, which a step has thrown or {@link #left} has. */
    static SocketTimeoutException told(
            SocketTimeoutException e,
            @Nullable Limit limit,
            String operation,
            Object target,
            int transferred) {
        SocketTimeoutException told =
                limit == null ? e : Checks.timedOut(operation, target, limit.nanos);
        told.bytesTransferred = transferred;
        return told;
    }
}
