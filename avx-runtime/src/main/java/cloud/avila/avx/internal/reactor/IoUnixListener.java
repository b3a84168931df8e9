package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;

/** A socket of the Unix domain that accepts connections. */
public interface IoUnixListener extends IoListener {
    /**
     * The name that clients connect to.
     *
     * @return the name, known also after closing
     */
    UnixName localName();

    /** Not of this domain: see {@link #localName()}. */
    @Override
    default InetSocketAddress localAddress() {
        throw new UnsupportedOperationException(this + " has a name, not an internet address");
    }

    @Override
    @Nullable IoUnixStream accept(long timeoutNanos) throws IOException, InterruptedException;
}
