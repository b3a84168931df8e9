package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;

/**
 * A socket that was open a moment ago, and who waited in it then.
 *
 * @param kind what it is
 * @param socket the socket
 * @param reader the thread that waits to receive or accept
 * @param writer the thread that waits to send
 */
public record OpenSocket(
        SocketKind kind, IoSocket socket, @Nullable Thread reader, @Nullable Thread writer) {

    /**
     * The address of this end.
     *
     * @return the address or name
     */
    public String local() {
        return switch (socket) {
            case IoUnixStream s -> s.localName().toString();
            case IoUnixListener s -> s.localName().toString();
            case IoUnixDatagram s -> s.localName().toString();
            case IoDescriptor s -> "descriptor " + s.number();
            default -> inWords(socket.localAddress());
        };
    }

    /**
     * The address of the other end.
     *
     * @return the address or name; null if it is no connection
     */
    public @Nullable String remote() {
        return switch (socket) {
            case IoUnixStream s -> s.remoteName().toString();
            case IoStream s -> inWords(s.remoteAddress());
            default -> null;
        };
    }

    /** Never looks a name up. */
    private static String inWords(InetSocketAddress address) {
        if (address.getAddress() == null) {
            return address.getHostString() + ":" + address.getPort();
        }
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + address.getPort();
    }
}
