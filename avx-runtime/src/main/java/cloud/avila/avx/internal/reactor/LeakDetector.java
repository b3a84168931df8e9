package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.log.BoundedLog;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.ref.Cleaner;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Finds sockets that became unreachable without having been closed, reports them and closes them.
 *
 * <p>The level is set by the system property {@code avx.leak-detection}: {@code off}, {@code
 * simple} (the default: says which socket) or {@code paranoid} (says also where it was opened,
 * which costs a stack walk for each socket).
 */
public final class LeakDetector {
    /** The system property that sets the level. */
    public static final String PROPERTY = "avx.leak-detection";

    /** How much to find out. */
    public enum Level {
        /** Nothing is tracked; a leaked descriptor stays open. */
        OFF,
        /** Leaks are reported and closed. */
        SIMPLE,
        /** Leaks are reported with the place where they were opened, and closed. */
        PARANOID
    }

    private static final BoundedLog LOG = new BoundedLog(LeakDetector.class);
    private static final Cleaner.Cleanable UNTRACKED = () -> {};
    private static final AtomicLong LEAKS = new AtomicLong();
    private static volatile Level level = parse(System.getProperty(PROPERTY, "simple"));

    /** Made when the first socket is tracked, since it has a thread. */
    private static final class Tracking {
        static final Cleaner CLEANER = Cleaner.create(Tracking::thread);

        /** Must not refer to the application, or its class loader would stay for ever. */
        private static Thread thread(Runnable task) {
            Thread thread =
                    Thread.ofPlatform()
                            .name("avx-leak-detector")
                            .daemon(true)
                            .inheritInheritableThreadLocals(false)
                            .unstarted(task);
            thread.setContextClassLoader(null);
            return thread;
        }
    }

    /** Where a socket was opened; thrown by nobody. */
    private static final class OpenedHere extends Throwable {
        private static final long serialVersionUID = 1;

        OpenedHere() {
            super("it was opened here");
        }
    }

    /** Must not refer to the owner, or that would stay reachable. */
    private record Check(IoResource socket, @Nullable OpenedHere place) implements Runnable {
        @Override
        public void run() {
            if (!socket.isOpen()) {
                return;
            }
            LEAKS.getAndIncrement();
            LOG.log(
                    Logger.Level.WARNING,
                    "a socket was never closed and nothing refers to it any more: "
                            + socket
                            + "; it is closed now"
                            + (place == null
                                    ? ". Where it was opened is told with -D"
                                            + PROPERTY
                                            + "=paranoid"
                                    : ""),
                    place);
            socket.close();
        }
    }

    private LeakDetector() {}

    /**
     * Watches over an owner and the socket that it is to close.
     *
     * @param owner the object that users hold
     * @param socket the socket or descriptor, which does not refer to the owner
     * @return to be cleaned after the socket was closed
     */
    public static Cleaner.Cleanable track(Object owner, IoResource socket) {
        return switch (level) {
            case OFF -> UNTRACKED;
            case SIMPLE -> Tracking.CLEANER.register(owner, new Check(socket, null));
            case PARANOID -> Tracking.CLEANER.register(owner, new Check(socket, new OpenedHere()));
        };
    }

    /**
     * Leaks found since the start.
     *
     * @return the number
     */
    public static long leaks() {
        return LEAKS.get();
    }

    /**
     * Changes the level for sockets opened from now on.
     *
     * @param newLevel the level
     */
    public static void level(Level newLevel) {
        level = newLevel;
    }

    static Level parse(String value) {
        try {
            return Level.valueOf(value.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            LOG.log(
                    Logger.Level.WARNING,
                    PROPERTY
                            + " is \""
                            + value
                            + "\", but must be off, simple or paranoid: simple");
            return Level.SIMPLE;
        }
    }
}
