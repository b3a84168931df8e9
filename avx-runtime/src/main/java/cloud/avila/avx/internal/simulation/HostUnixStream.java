package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoStream;
import cloud.avila.avx.internal.reactor.IoUnixStream;
import cloud.avila.avx.internal.reactor.UnixName;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.Set;

/** A connection of a host with itself, under names. */
final class HostUnixStream implements IoUnixStream {
    private final IoStream inner;
    private final UnixName local;
    private final UnixName remote;

    HostUnixStream(IoStream inner, UnixName local, UnixName remote) {
        this.inner = inner;
        this.local = local;
        this.remote = remote;
    }

    @Override
    public UnixName localName() {
        return local;
    }

    @Override
    public UnixName remoteName() {
        return remote;
    }

    @Override
    public int recv(byte[] to, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return inner.recv(to, offset, length, timeoutNanos);
    }

    @Override
    public int recv(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        return inner.recv(to, timeoutNanos);
    }

    @Override
    public int recv(ByteBuffer[] to, long timeoutNanos) throws IOException, InterruptedException {
        return inner.recv(to, timeoutNanos);
    }

    @Override
    public int peek(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        return inner.peek(to, timeoutNanos);
    }

    @Override
    public int awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        return inner.awaitReadable(timeoutNanos);
    }

    @Override
    public int awaitWritable(long timeoutNanos) throws IOException, InterruptedException {
        return inner.awaitWritable(timeoutNanos);
    }

    @Override
    public int send(ByteBuffer[] from, long timeoutNanos) throws IOException, InterruptedException {
        return inner.send(from, timeoutNanos);
    }

    @Override
    public int send(byte[] from, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return inner.send(from, offset, length, timeoutNanos);
    }

    @Override
    public int send(ByteBuffer from, long timeoutNanos) throws IOException, InterruptedException {
        return inner.send(from, timeoutNanos);
    }

    @Override
    public int whenReadable(@Nullable Runnable action) throws IOException {
        return inner.whenReadable(action);
    }

    @Override
    public int whenWritable(@Nullable Runnable action) throws IOException {
        return inner.whenWritable(action);
    }

    @Override
    public int available() throws IOException {
        return inner.available();
    }

    @Override
    public boolean shutdownInput() throws IOException {
        return inner.shutdownInput();
    }

    @Override
    public boolean shutdownOutput() throws IOException {
        return inner.shutdownOutput();
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
        inner.close();
    }

    @Override
    public void closeAbortively() {
        inner.closeAbortively();
    }

    @Override
    public String toString() {
        return "connection to " + (remote.isUnnamed() ? local : remote);
    }
}
