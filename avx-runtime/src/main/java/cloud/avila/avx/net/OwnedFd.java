package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoResource;
import cloud.avila.avx.internal.reactor.LeakDetector;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A descriptor of the system that this object owns: closing it closes the descriptor. It came over
 * a {@link UnixStream}. Thread-safe. One that becomes unreachable without having been closed or
 * released is reported in the log, and closed.
 */
public final class OwnedFd implements AutoCloseable {
    /** What the leak detector may still reach when nobody reaches the owner. */
    private static final class Held implements IoResource {
        private final IoDriver driver;
        private final int number;
        private final AtomicBoolean open = new AtomicBoolean(true);

        Held(IoDriver driver, int number) {
            this.driver = driver;
            this.number = number;
        }

        @Override
        public boolean isOpen() {
            return open.get();
        }

        @Override
        public void close() {
            if (open.compareAndSet(true, false)) {
                try {
                    driver.closeDescriptor(number);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }

        @Override
        public String toString() {
            return "descriptor " + number;
        }
    }

    private final Held held;
    private final Cleaner.Cleanable tracked;

    OwnedFd(IoDriver driver, int number) {
        this.held = new Held(driver, number);
        this.tracked = LeakDetector.track(this, held);
    }

    /**
     * The number of the descriptor, for calls of the system. It means another file once this object
     * has been closed.
     *
     * @return the number
     * @throws IllegalStateException if it was closed or released
     */
    public int number() {
        if (!held.isOpen()) {
            throw new IllegalStateException("descriptor " + held.number + " is not owned any more");
        }
        return held.number;
    }

    /**
     * Gives up the descriptor without closing it.
     *
     * @return its number, which the caller owns now
     * @throws IllegalStateException if it was closed or released
     */
    public int release() {
        if (!held.open.compareAndSet(true, false)) {
            throw new IllegalStateException("descriptor " + held.number + " is not owned any more");
        }
        tracked.clean();
        return held.number;
    }

    /**
     * Whether this object still owns it.
     *
     * @return false after closing or releasing
     */
    public boolean isOpen() {
        return held.isOpen();
    }

    /**
     * Closes the descriptor, unless it was released. Idempotent.
     *
     * @throws UncheckedIOException if someone else has closed it before
     */
    @Override
    public void close() {
        held.close();
        tracked.clean();
    }

    @Override
    public String toString() {
        return "OwnedFd[" + held.number + (isOpen() ? "]" : ", given up]");
    }
}
