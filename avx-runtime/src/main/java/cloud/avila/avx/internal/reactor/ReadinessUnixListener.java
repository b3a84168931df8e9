package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;

/** A socket of the Unix domain that accepts connections. */
final class ReadinessUnixListener extends ReadinessListener implements IoUnixListener {
    private final UnixName local;

    ReadinessUnixListener(ReadinessDriver driver, int fd, UnixName local) {
        super(driver, fd, SocketCalls.AF_UNIX);
        this.local = local;
    }

    @Override
    public UnixName localName() {
        return local;
    }

    @Override
    public InetSocketAddress localAddress() {
        return IoUnixListener.super.localAddress();
    }

    @Override
    Object address() {
        return local;
    }

    @Override
    public @Nullable IoUnixStream accept(long timeoutNanos)
            throws IOException, InterruptedException {
        return (IoUnixStream) super.accept(timeoutNanos);
    }

    @Override
    ReadinessStream accepted(ReadinessDriver home, NativeScratch scratch, int descriptor) {
        UnixName remote = ReadinessUnixStream.decode(calls, scratch);
        return new ReadinessUnixStream(home, descriptor, local, remote);
    }

    @Override
    int optionUse() {
        return StandardOption.UNIX_LISTENER;
    }
}
