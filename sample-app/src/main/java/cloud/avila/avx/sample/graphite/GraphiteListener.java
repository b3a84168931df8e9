package cloud.avila.avx.sample.graphite;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.EnterGuard;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.net.SocketClosedException;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;
import cloud.avila.avx.sample.config.GatewayProperties;
import cloud.avila.avx.sample.ingest.Intake;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/** Accepts connections, one fiber for each. */
public final class GraphiteListener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GraphiteListener.class);
    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofMillis(100);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(3);

    private final AvxRuntime runtime;
    private final GatewayProperties.Graphite settings;
    private final Intake intake;
    private final GraphiteParser parser;
    private final TcpListener listener;
    private final ConnectionStats stats = new ConnectionStats();
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stopping;
    private @Nullable JoinHandle<Boolean> fiber;

    /**
     * Binds the port; connections wait in its backlog until {@link #start}.
     *
     * @param runtime where it accepts and reads
     * @param settings address and limits
     * @param intake takes the lines
     * @param clock tells what the timestamp -1 stands for
     * @throws IOException if the port cannot be bound
     */
    public GraphiteListener(
            AvxRuntime runtime, GatewayProperties.Graphite settings, Intake intake, Clock clock)
            throws IOException {
        this.runtime = runtime;
        this.settings = settings;
        this.intake = intake;
        this.parser = new GraphiteParser(clock);
        try (EnterGuard _ = runtime.enter()) {
            listener = TcpListener.bind(new InetSocketAddress(settings.address(), settings.port()));
        }
    }

    /** Starts a fiber that accepts until {@link #close}. */
    public void start() {
        fiber = runtime.spawn("graphite-listener", this::accept);
    }

    /**
     * Where it listens.
     *
     * @return the local address
     */
    public InetSocketAddress address() {
        return listener.localAddress();
    }

    /**
     * What became of the connections.
     *
     * @return the counters
     */
    public ConnectionStats stats() {
        return stats;
    }

    private boolean accept() throws InterruptedException {
        try {
            while (true) {
                try {
                    serve(listener.accept());
                } catch (SocketClosedException e) {
                    return true;
                } catch (IOException e) {
                    LOG.warn("Could not accept a connection", e);
                    Thread.sleep(PAUSE_AFTER_FAILURE);
                }
            }
        } finally {
            ended.countDown();
        }
    }

    private void serve(TcpStream stream) {
        if (!stats.opened(settings.maxConnections())) {
            stream.closeAbortively();
            return;
        }
        var client = new Client(stream);
        clients.add(client);
        try {
            client.fiber = runtime.spawn("graphite-" + stream.remoteAddress(), client::run);
        } catch (RejectedExecutionException e) {
            client.end();
            LOG.warn("No fiber for a connection", e);
        }
    }

    /**
     * Stops accepting, takes what the connections have received, then closes them. Senders that go
     * on are cut off.
     */
    @Override
    public void close() {
        stopping = true;
        listener.close();
        try {
            long deadline = System.nanoTime() + STOP_TIMEOUT.toNanos();
            if (fiber != null) {
                await(ended, deadline);
            }
            for (Client client : clients) {
                JoinHandle<Boolean> reading = client.fiber;
                if (reading != null) {
                    reading.cancel();
                }
            }
            for (Client client : clients) {
                await(client.ended, deadline);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            clients.forEach(client -> client.stream.close());
        }
    }

    private static void await(CountDownLatch latch, long deadline) throws InterruptedException {
        if (!latch.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            LOG.debug("A Graphite fiber did not end within {}", STOP_TIMEOUT);
        }
    }

    private final class Client {
        final TcpStream stream;
        final CountDownLatch ended = new CountDownLatch(1);
        volatile @Nullable JoinHandle<Boolean> fiber;

        Client(TcpStream stream) {
            this.stream = stream;
        }

        boolean run() throws InterruptedException {
            try {
                new GraphiteConnection(
                                new StreamSource(stream),
                                intake,
                                parser::parse,
                                settings.idleTimeout(),
                                settings.lineTimeout())
                        .run();
            } catch (SocketTimeoutException e) {
                stats.countTimeout();
                LOG.debug("Closed a Graphite connection", e);
            } catch (IOException e) {
                if (!stopping) {
                    stats.countFailure();
                    LOG.debug("A Graphite connection broke", e);
                }
            } finally {
                end();
            }
            return true;
        }

        void end() {
            stream.close();
            clients.remove(this);
            stats.closed();
            ended.countDown();
        }
    }
}
