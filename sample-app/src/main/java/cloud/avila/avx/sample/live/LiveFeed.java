package cloud.avila.avx.sample.live;

import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.ChannelClosedException;
import cloud.avila.avx.channel.LaggedException;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.sample.aggregate.Point;
import cloud.avila.avx.sample.aggregate.Window;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * The newest points of each stored window on their way to whoever listens. A slow listener misses
 * windows, which are counted, and holds nobody up. Thread-safe.
 */
public final class LiveFeed {
    private static final Logger LOG = LoggerFactory.getLogger(LiveFeed.class);

    /** The most points of one window that are sent on: backfills are for queries. */
    static final int MAX_POINTS = 2_000;

    /** What a listener gets. */
    public sealed interface Update {
        /**
         * Fresh points.
         *
         * @param points at most one for each series
         */
        record Points(List<Point> points) implements Update {}

        /**
         * The listener was too slow.
         *
         * @param windows how many windows it has missed
         */
        record Missed(long windows) implements Update {}

        /** Nothing happened within the timeout. */
        record Nothing() implements Update {}

        /** The feed is closed. */
        record End() implements Update {}
    }

    /** One listener; used by one thread. */
    public final class Subscription implements AutoCloseable {
        private final Receiver<List<Point>> receiver;
        private boolean closed;

        private Subscription(Receiver<List<Point>> receiver) {
            this.receiver = receiver;
        }

        /**
         * Waits for the next update.
         *
         * @param timeout the longest wait
         * @return the update
         * @throws InterruptedException if interrupted while waiting
         */
        public Update next(Duration timeout) throws InterruptedException {
            try {
                return new Update.Points(receiver.recv(timeout));
            } catch (LaggedException e) {
                missed.add(e.missed());
                return new Update.Missed(e.missed());
            } catch (TimeoutException e) {
                return new Update.Nothing();
            } catch (ChannelClosedException e) {
                return new Update.End();
            }
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                receiver.close();
                clients.decrementAndGet();
            }
        }
    }

    private final Broadcast<List<Point>> channel;
    private final int maxClients;
    private final AtomicInteger clients = new AtomicInteger();
    private final LongAdder missed = new LongAdder();

    /**
     * Creates a feed.
     *
     * @param buffer windows kept for slow listeners
     * @param maxClients the most listeners
     */
    public LiveFeed(int buffer, int maxClients) {
        this.channel = Broadcast.create(buffer);
        this.maxClients = maxClients;
    }

    /**
     * Adds a listener.
     *
     * @return the subscription, or empty if there are too many or the feed is closed
     */
    public Optional<Subscription> subscribe() {
        if (clients.incrementAndGet() <= maxClients) {
            try {
                return Optional.of(new Subscription(channel.subscribe()));
            } catch (ChannelClosedException e) {
                clients.decrementAndGet();
                return Optional.empty();
            }
        }
        clients.decrementAndGet();
        return Optional.empty();
    }

    /**
     * Sends a window's points on.
     *
     * @param window a stored window
     */
    public void publish(Window window) {
        if (channel.subscribers() > 0 && !channel.isClosed()) {
            try {
                channel.send(newestOfEach(window));
            } catch (ChannelClosedException e) {
                LOG.debug("The feed was closed meanwhile", e);
            }
        }
    }

    static List<Point> newestOfEach(Window window) {
        Map<String, Point> newest = new LinkedHashMap<>();
        for (Point point : window.timed()) {
            newest.merge(
                    point.series(), point, (a, b) -> a.epochMillis() > b.epochMillis() ? a : b);
        }
        var points = new ArrayList<>(window.aggregated());
        points.addAll(newest.values());
        return List.copyOf(points.subList(0, Math.min(points.size(), MAX_POINTS)));
    }

    /**
     * Listeners now.
     *
     * @return their number
     */
    public int clients() {
        return clients.get();
    }

    /**
     * Windows that listeners have missed.
     *
     * @return their number, once for each listener
     */
    public long missed() {
        return missed.sum();
    }

    /** Ends every subscription once it has received what was published. */
    public void close() {
        channel.close();
    }
}
