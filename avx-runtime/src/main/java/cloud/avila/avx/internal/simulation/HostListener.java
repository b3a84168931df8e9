package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoListener;
import cloud.avila.avx.internal.reactor.IoStream;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Set;

/** A socket that accepts connections. */
final class HostListener extends HostSocket implements IoListener {
    private static final Map<SocketOption<?>, Object> OPTIONS =
            Map.of(
                    StandardSocketOptions.SO_REUSEADDR, true,
                    StandardSocketOptions.SO_REUSEPORT, false,
                    StandardSocketOptions.SO_RCVBUF, 64 << 10);

    private final int backlog;
    private final ArrayDeque<HostStream> waiting = new ArrayDeque<>();

    HostListener(Network network, Host host, InetSocketAddress local, int backlog) {
        super(network, host, local);
        this.backlog = backlog;
        host.listeners.put(local.getPort(), this);
    }

    boolean isBoundTo(InetAddress address) {
        InetAddress bound = localAddress().getAddress();
        return bound.isAnyLocalAddress() || bound.equals(address);
    }

    boolean hasRoom() {
        return waiting.size() < backlog;
    }

    void arrived(HostStream stream) {
        waiting.add(stream);
        wake();
    }

    @Override
    public @Nullable IoStream accept(long timeoutNanos) throws InterruptedException {
        await(() -> !isOpen() || !waiting.isEmpty(), timeoutNanos);
        return isOpen() ? waiting.poll() : null;
    }

    @Override
    public long acceptFailures() {
        return 0;
    }

    @Override
    boolean isReadable() {
        return !waiting.isEmpty();
    }

    @Override
    boolean isWritable() {
        return false;
    }

    @Override
    void closing() {
        host.listeners.remove(localAddress().getPort());
        for (HostStream stream : waiting) {
            stream.closeAbortively();
        }
        waiting.clear();
    }

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
        return "listener of " + host + " on " + localAddress();
    }
}
