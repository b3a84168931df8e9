package cloud.avila.avx.simulation;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.simulation.Host;
import cloud.avila.avx.internal.simulation.Network;

import java.time.Duration;

/**
 * The network between the hosts of a simulation, and its faults. {@code TcpListener}, {@code
 * TcpStream} and {@code UdpSocket} of fibers of the simulation work on it unchanged, with the same
 * exceptions as on Linux.
 *
 * <p>Everything sent is on its way for a random time. TCP keeps its order, loses nothing, and waits
 * for room: 64 KiB in each direction may be under way or unread. Reads and writes may do only a
 * part, as they may on a real network. Datagrams may overtake each other.
 *
 * <p>Hosts are known by their names, and made when they are first named. To be used from inside the
 * simulation, or from outside between two runs.
 */
public final class SimulatedNetwork {
    private final Network network;
    private double loss;
    private double duplication;

    SimulatedNetwork(Network network) {
        this.network = network;
    }

    /**
     * Sets how long what is sent from now on is on its way between two hosts: any time between the
     * two. By default 0.1 to 2 ms; within a host always at most 0.02 ms.
     *
     * @param shortest the shortest time, zero or more
     * @param longest the longest time, not less
     * @throws IllegalArgumentException if the times are negative or in the wrong order
     */
    public void latency(Duration shortest, Duration longest) {
        if (shortest.isNegative() || longest.compareTo(shortest) < 0) {
            throw new IllegalArgumentException(
                    "latency must be from zero or more to not less, but is from "
                            + shortest
                            + " to "
                            + longest);
        }
        network.latency(Deadline.nanos(shortest), Deadline.nanos(longest));
    }

    /**
     * Sets how likely a datagram that is sent from now on gets lost; by default it does not. TCP
     * sends again what is lost, so nothing is lost there.
     *
     * @param probability 0 to 1
     * @throws IllegalArgumentException if it is no probability
     */
    public void loss(double probability) {
        loss = probability(probability);
        network.datagrams(loss, duplication);
    }

    /**
     * Sets how likely a datagram that is sent from now on arrives twice; by default it does not.
     *
     * @param probability 0 to 1
     * @throws IllegalArgumentException if it is no probability
     */
    public void duplication(double probability) {
        duplication = probability(probability);
        network.datagrams(loss, duplication);
    }

    private static double probability(double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("a probability is from 0 to 1, not " + value);
        }
        return value;
    }

    /**
     * Separates two hosts: nothing gets through, either way, until they are {@linkplain #heal
     * healed}. Datagrams are lost. What TCP has under way, or sends, waits; after 15 minutes the
     * sender gives its connection up. Connecting takes about two minutes to fail.
     *
     * @param a a host
     * @param b another host
     * @throws IllegalArgumentException if it is the same one
     */
    public void partition(String a, String b) {
        block(a, b);
        block(b, a);
    }

    /**
     * Lets nothing through from one host to another, while the other way works.
     *
     * @param from the sender
     * @param to the receiver
     * @throws IllegalArgumentException if it is the same one
     */
    public void block(String from, String to) {
        Host sender = network.host(from);
        Host receiver = network.host(to);
        if (sender == receiver) {
            throw new IllegalArgumentException("a host is never cut off from itself: " + from);
        }
        network.block(sender, receiver);
    }

    /**
     * Lets everything through again between two hosts.
     *
     * @param a a host
     * @param b another host
     */
    public void heal(String a, String b) {
        network.unblock(network.host(a), network.host(b));
        network.unblock(network.host(b), network.host(a));
    }

    /** Lets everything through again between all hosts. */
    public void healAll() {
        network.unblockAll();
    }

    /**
     * Breaks the connections between two hosts at once, for both sides, as a firewall may.
     *
     * @param a a host
     * @param b another host, or the same
     */
    public void reset(String a, String b) {
        network.reset(network.host(a), network.host(b));
    }

    /**
     * Lets one host forget its connections with another, as if it had been switched off and on: its
     * own sockets are broken, and the other host learns it only when it sends something. Until then
     * the connection is half open.
     *
     * @param forgetful the host that forgets
     * @param other the host that goes on believing
     */
    public void forget(String forgetful, String other) {
        network.forget(network.host(forgetful), network.host(other));
    }
}
