package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.timer.Timer;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The hosts of a simulation and what lies between them.
 *
 * <p>What a host sends arrives by a timer, after a time drawn from the seed. What TCP sends arrives
 * in order and is never lost: while two hosts are partitioned it waits, for at most {@link
 * #GIVE_UP_NANOS}. Datagrams overtake each other, get lost, doubled, and do not cross a partition.
 */
public final class Network {
    /** How long TCP tries to deliver before it gives up: what Linux does with its defaults. */
    static final long GIVE_UP_NANOS = 924_600_000_000L;

    /** Most hosts: what the addresses have room for. */
    private static final int MOST_HOSTS = 250 * 250;

    private static final long LOOPBACK_NANOS = 20_000;

    private record Way(Host from, Host to) {}

    final SimulatedScheduler scheduler;
    private final SeededRandom random;
    private final Map<String, Host> hosts = new HashMap<>();
    private final Map<InetAddress, Host> byAddress = new HashMap<>();
    private final Set<Way> blocked = new LinkedHashSet<>();
    private final Set<HostSocket> open = new LinkedHashSet<>();
    private long minLatency = 100_000;
    private long maxLatency = 2_000_000;
    private double loss;
    private double duplication;

    Network(SimulatedScheduler scheduler, SeededRandom random) {
        this.scheduler = scheduler;
        this.random = random;
    }

    // --- hosts ---

    /**
     * A host, made when it is first asked for.
     *
     * @param name its name
     * @return the host
     */
    public Host host(String name) {
        String key = name.toLowerCase(Locale.ROOT);
        Host known = hosts.get(key);
        if (known != null) {
            return known;
        }
        int number = hosts.size() + 1;
        if (number > MOST_HOSTS) {
            throw new IllegalStateException("a simulation has at most " + MOST_HOSTS + " hosts");
        }
        var address = InetAddress.ofLiteral("10.0.%d.%d".formatted(number / 250, number % 250 + 1));
        var host = new Host(this, name, address);
        hosts.put(key, host);
        byAddress.put(address, host);
        return host;
    }

    InetAddress lookUp(String name) throws UnknownHostException {
        Host host = hosts.get(name.toLowerCase(Locale.ROOT));
        if (host == null) {
            throw new UnknownHostException(
                    name + " is no host of the simulation; there are " + hosts.values());
        }
        return host.address();
    }

    @Nullable Host hostOf(InetAddress address) {
        return byAddress.get(address);
    }

    // --- faults ---

    /**
     * Sets how long what is sent is on its way.
     *
     * @param minNanos the shortest time
     * @param maxNanos the longest time
     */
    public void latency(long minNanos, long maxNanos) {
        minLatency = minNanos;
        maxLatency = maxNanos;
    }

    /**
     * Sets how likely a datagram is lost, and how likely it arrives twice.
     *
     * @param lost a probability
     * @param doubled a probability
     */
    public void datagrams(double lost, double doubled) {
        loss = lost;
        duplication = doubled;
    }

    /**
     * Lets nothing through from one host to another.
     *
     * @param from the sender
     * @param to the receiver
     */
    public void block(Host from, Host to) {
        blocked.add(new Way(from, to));
    }

    /**
     * Lets everything through again.
     *
     * @param from the sender
     * @param to the receiver
     */
    public void unblock(Host from, Host to) {
        if (blocked.remove(new Way(from, to))) {
            for (HostStream stream : streams()) {
                if (stream.host == from && stream.peerHost == to) {
                    stream.resume();
                }
            }
        }
    }

    /** Lets everything through everywhere. */
    public void unblockAll() {
        for (Way way : List.copyOf(blocked)) {
            unblock(way.from, way.to);
        }
    }

    /**
     * Breaks the connections between two hosts for both sides.
     *
     * @param a one host
     * @param b the other
     */
    public void reset(Host a, Host b) {
        for (HostStream stream : streams()) {
            if (stream.host == a && stream.peerHost == b
                    || stream.host == b && stream.peerHost == a) {
                stream.breakDown();
            }
        }
    }

    /**
     * Lets one host forget its connections with another, which is told only when it sends.
     *
     * @param forgetful the host that forgets
     * @param other the host that goes on believing in them
     */
    public void forget(Host forgetful, Host other) {
        for (HostStream stream : streams()) {
            if (stream.host == forgetful && stream.peerHost == other) {
                stream.breakDown();
            }
        }
    }

    private Collection<HostStream> streams() {
        List<HostStream> streams = new ArrayList<>();
        for (HostSocket socket : open) {
            if (socket instanceof HostStream stream) {
                streams.add(stream);
            }
        }
        return streams;
    }

    // --- for the sockets ---

    void opened(HostSocket socket) {
        open.add(socket);
    }

    void closed(HostSocket socket) {
        open.remove(socket);
    }

    int openSockets() {
        return open.size();
    }

    void closeAll() {
        for (HostSocket socket : List.copyOf(open)) {
            socket.close();
        }
    }

    boolean isBlocked(Host from, Host to) {
        return !blocked.isEmpty() && blocked.contains(new Way(from, to));
    }

    boolean isLost() {
        return loss > 0 && random.nextDouble() < loss;
    }

    boolean isDoubled() {
        return duplication > 0 && random.nextDouble() < duplication;
    }

    long latency(Host from, Host to) {
        return from == to
                ? 1 + random.nextLong(LOOPBACK_NANOS)
                : minLatency + random.nextLong(maxLatency - minLatency + 1);
    }

    SeededRandom random() {
        return random;
    }

    /** Lets something arrive at a host, after a time drawn from the seed. */
    void send(Host from, Host to, Runnable arrival) {
        Timer _ = after(latency(from, to), from, to, arrival);
    }

    /** Lets something happen at a host, after a time. */
    Timer after(long nanos, Host from, Host to, Runnable action) {
        return scheduler.addTimer(
                action, nanos, new Step.Origin("network " + from + " > " + to, to));
    }
}
