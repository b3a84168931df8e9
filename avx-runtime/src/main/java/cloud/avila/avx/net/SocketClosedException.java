package cloud.avila.avx.net;

import java.net.SocketException;

/** The socket was closed on this side, before the operation or while it waited. */
public final class SocketClosedException extends SocketException {
    private static final long serialVersionUID = 1;

    SocketClosedException(String message) {
        super(message);
    }
}
