package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoStream;
import cloud.avila.avx.internal.reactor.IoUnixListener;
import cloud.avila.avx.internal.reactor.IoUnixStream;
import cloud.avila.avx.internal.reactor.UnixName;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.SocketOption;
import java.util.Set;

/** A name of a host behind which a listener of its loopback stands. */
final class HostUnixListener implements IoUnixListener {
    private final Host host;
    private final HostListener inner;
    private final UnixName local;

    HostUnixListener(Host host, HostListener inner, UnixName local) {
        this.host = host;
        this.inner = inner;
        this.local = local;
        host.unixListeners.put(local, this);
    }

    HostListener inner() {
        return inner;
    }

    @Override
    public UnixName localName() {
        return local;
    }

    @Override
    public @Nullable IoUnixStream accept(long timeoutNanos) throws InterruptedException {
        IoStream accepted = inner.accept(timeoutNanos);
        return accepted == null ? null : new HostUnixStream(accepted, local, UnixName.UNNAMED);
    }

    @Override
    public int whenReadable(@Nullable Runnable action) {
        return inner.whenReadable(action);
    }

    @Override
    public long acceptFailures() {
        return 0;
    }

    @Override
    public <T> boolean setOption(SocketOption<T> option, T value) throws IOException {
        return inner.setOption(option, value);
    }

    @Override
    public <T> T getOption(SocketOption<T> option) throws IOException {
        return inner.getOption(option);
    }

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return Set.of();
    }

    @Override
    public boolean isOpen() {
        return inner.isOpen();
    }

    @Override
    public void close() {
        if (inner.mayClose()) {
            host.unixListeners.remove(local, this);
            inner.close();
        }
    }

    @Override
    public String toString() {
        return "listener of " + host + " on " + local;
    }
}
