package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoDatagram;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.sys.LinuxErrno;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Set;

/** A datagram socket. What it receives and nobody reads is bounded; more is lost. */
final class HostDatagram extends HostSocket implements IoDatagram {
    private static final int LONGEST = 65_507;
    private static final int RECEIVE_BYTES = 212_992;

    private static final Map<SocketOption<?>, Object> OPTIONS =
            Map.of(
                    StandardSocketOptions.SO_REUSEADDR,
                    false,
                    StandardSocketOptions.SO_REUSEPORT,
                    false,
                    StandardSocketOptions.SO_BROADCAST,
                    false,
                    StandardSocketOptions.SO_RCVBUF,
                    RECEIVE_BYTES,
                    StandardSocketOptions.SO_SNDBUF,
                    RECEIVE_BYTES,
                    StandardSocketOptions.IP_TOS,
                    0);

    private record Datagram(InetSocketAddress sender, ByteBuffer data) {}

    private final ArrayDeque<Datagram> received = new ArrayDeque<>();
    private int bytesReceived;
    private @Nullable InetSocketAddress peer;
    private boolean unreachable;

    HostDatagram(Network network, Host host, InetSocketAddress local) {
        super(network, host, local);
        host.datagrams.put(local.getPort(), this);
    }

    // --- receiving ---

    @Override
    public @Nullable Received recvFrom(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException {
        await(this::isReadable, timeoutNanos);
        if (!isOpen()) {
            return null;
        }
        throwIfUnreachable("receive on");
        Datagram first = received.poll();
        if (first == null) {
            return null;
        }
        int datagramLength = first.data.capacity();
        bytesReceived -= datagramLength;
        int length = Math.min(datagramLength, to.remaining());
        to.put(first.data.slice(0, length));
        return new Received(first.sender, length, datagramLength);
    }

    @Override
    boolean isReadable() {
        return !isOpen() || unreachable || !received.isEmpty();
    }

    @Override
    boolean isWritable() {
        return true;
    }

    @Override
    public int awaitReadable(long timeoutNanos) throws InterruptedException {
        boolean ready = await(this::isReadable, timeoutNanos);
        return isOpen() && ready ? 0 : closedOrTimedOut(isOpen());
    }

    private void arrived(Datagram datagram) {
        boolean expected = peer == null || peer.equals(datagram.sender);
        int length = datagram.data.capacity();
        if (expected && bytesReceived + length <= RECEIVE_BYTES) {
            received.add(datagram);
            bytesReceived += length;
            wake();
        }
    }

    private void throwIfUnreachable(String operation) throws IOException {
        if (unreachable) {
            unreachable = false;
            throw LinuxErrno.exception(operation, peer, LinuxErrno.ECONNREFUSED);
        }
    }

    // --- sending ---

    @Override
    public int sendTo(ByteBuffer from, @Nullable InetSocketAddress to, long timeoutNanos)
            throws IOException, InterruptedException {
        await(() -> true, timeoutNanos);
        InetSocketAddress target = to == null ? peer : to;
        int count = from.remaining();
        String operation = "send " + count + " bytes to";
        if (!isOpen()) {
            return IoDriver.CLOSED;
        }
        if (target == null) {
            throw LinuxErrno.exception(operation, null, LinuxErrno.ENOTCONN);
        }
        if (count > LONGEST) {
            throw LinuxErrno.exception(operation, target, LinuxErrno.EMSGSIZE);
        }
        throwIfUnreachable(operation);
        Host host = this.host.find(target.getAddress());
        if (host == null) {
            throw LinuxErrno.exception(operation, target, LinuxErrno.EHOSTUNREACH);
        }
        byte[] data = new byte[count];
        from.get(data);
        var datagram = new Datagram(sender(host, target), ByteBuffer.wrap(data));
        if (!network.isLost()) {
            transmit(datagram, host, target);
        }
        if (network.isDoubled()) {
            transmit(datagram, host, target);
        }
        return count;
    }

    private InetSocketAddress sender(Host to, InetSocketAddress target) {
        InetAddress bound = localAddress().getAddress();
        if (!bound.isAnyLocalAddress()) {
            return localAddress();
        }
        boolean loopback = to == host && !target.getAddress().equals(host.address());
        return new InetSocketAddress(
                loopback ? InetAddress.ofLiteral("127.0.0.1") : host.address(),
                localAddress().getPort());
    }

    private void transmit(Datagram datagram, Host to, InetSocketAddress target) {
        network.send(host, to, () -> arrive(datagram, to, target.getPort()));
    }

    private void arrive(Datagram datagram, Host to, int port) {
        if (network.isBlocked(host, to)) {
            return;
        }
        HostDatagram socket = to.datagrams.get(port);
        if (socket != null) {
            socket.arrived(datagram);
        } else if (peer != null) {
            network.send(to, host, this::peerIsUnreachable);
        }
    }

    private void peerIsUnreachable() {
        unreachable = true;
        wake();
    }

    @Override
    public boolean connect(InetSocketAddress remote) {
        if (isOpen()) {
            peer = remote;
        }
        return isOpen();
    }

    @Override
    void closing() {
        host.datagrams.remove(localAddress().getPort());
        received.clear();
    }

    // --- options ---

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return OPTIONS.keySet();
    }

    @Override
    @Nullable Object initial(SocketOption<?> option) {
        return OPTIONS.get(option);
    }

    @Override
    public String toString() {
        return "datagram socket of " + host + " on " + localAddress();
    }
}
