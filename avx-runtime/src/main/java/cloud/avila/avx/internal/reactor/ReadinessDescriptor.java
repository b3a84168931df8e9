package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.metrics.SocketKind;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/**
 * A descriptor of somebody else. For waiting see {@link ReadinessSocket}. It is taken out of the
 * driver explicitly: other descriptors may share its open file, and then the system would go on
 * reporting it.
 */
final class ReadinessDescriptor extends ReadinessChannel implements IoDescriptor {
    private volatile boolean owned;

    /** The descriptor stays the caller's, until {@link #own}. */
    ReadinessDescriptor(ReadinessDriver driver, int fd) {
        super(driver, fd, 0, SocketKind.DESCRIPTOR);
    }

    void own() {
        owned = true;
    }

    @Override
    public int number() {
        return fd;
    }

    @Override
    Object peer() {
        return this;
    }

    @Override
    public int read(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        return recv(to, timeoutNanos);
    }

    @Override
    public int write(ByteBuffer from, long timeoutNanos) throws IOException, InterruptedException {
        return send(from, timeoutNanos);
    }

    @Override
    long recv(NativeScratch scratch, MemorySegment memory, long length, int flags) {
        long result;
        do {
            result = calls.readFrom(scratch, fd, memory, length);
        } while (result == -LinuxErrno.EINTR);
        return result;
    }

    @Override
    long send(NativeScratch scratch, MemorySegment memory, long length) {
        long result;
        do {
            result = calls.writeTo(scratch, fd, memory, length);
        } while (result == -LinuxErrno.EINTR);
        return result;
    }

    /** Devices give records, not a stream of bytes: only "would block" proves that none is left. */
    @Override
    boolean shortReadMeansDrained() {
        return false;
    }

    @Override
    void endFile() {
        driver.unwatch(this);
        if (owned) {
            super.endFile();
        }
    }

    @Override
    void beforeRelease() {
        if (isRegistered()) {
            driver.unwatch(this);
        }
    }

    @Override
    void releaseNumber() {
        if (owned) {
            super.releaseNumber();
        }
    }

    @Override
    public InetSocketAddress localAddress() {
        return IoDescriptor.super.localAddress();
    }

    @Override
    int optionUse() {
        return 0;
    }

    @Override
    public String toString() {
        return "descriptor " + fd;
    }
}
