package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;
import cloud.avila.avx.metrics.SocketKind;

import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;

/** A datagram socket of the Unix domain. */
final class ReadinessUnixDatagram extends ReadinessDatagrams<UnixName, IoUnixDatagram.Received>
        implements IoUnixDatagram {
    private final UnixName local;

    ReadinessUnixDatagram(ReadinessDriver driver, int fd, UnixName local) {
        super(driver, fd, SocketCalls.AF_UNIX, SocketKind.UNIX_DATAGRAM);
        this.local = local;
    }

    @Override
    public UnixName localName() {
        return local;
    }

    @Override
    public InetSocketAddress localAddress() {
        return IoUnixDatagram.super.localAddress();
    }

    @Override
    Object address() {
        return local;
    }

    @Override
    Received received(NativeScratch scratch, int length, int datagramLength) {
        return new Received(ReadinessUnixStream.decode(calls, scratch), length, datagramLength);
    }

    @Override
    int encode(MemorySegment to, UnixName address) {
        return calls.encodeUnix(to, address.bytes());
    }

    @Override
    boolean waitsForReceiver() {
        return true;
    }

    @Override
    int optionUse() {
        return StandardOption.UNIX_DATAGRAM;
    }
}
