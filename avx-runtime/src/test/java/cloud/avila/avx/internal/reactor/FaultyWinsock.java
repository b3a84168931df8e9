package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.Winsock;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The calls of Windows with faults: chosen calls fail with a chosen error instead of being made. It
 * also keeps a ledger of the handles: each that was opened is to be closed once.
 */
class FaultyWinsock extends Winsock {
    private record Fault(int error, int firstUse, int uses) {}

    private final Map<String, Fault> faults = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();
    private final Set<Long> handles = ConcurrentHashMap.newKeySet();
    private final Set<String> mistakes = ConcurrentHashMap.newKeySet();

    /** Lets the next uses of a function fail. */
    final void fail(String function, int error, int uses) {
        faults.put(function, new Fault(error, calls(function) + 1, uses));
    }

    /** Lets one use of a function fail, the n-th from the start. */
    final void failUse(String function, int error, int use) {
        faults.put(function, new Fault(error, use, 1));
    }

    final int calls(String function) {
        return calls.computeIfAbsent(function, f -> new AtomicInteger()).get();
    }

    /** Everything opened has been closed, and nothing else. */
    final void assertBalanced() throws InterruptedException {
        for (int i = 0; i < 500 && !handles.isEmpty(); i++) {
            Thread.sleep(10);
        }
        assertEquals(Set.of(), handles, "open handles");
        assertEquals(Set.of(), mistakes);
    }

    private long opened(long handle) {
        if (handle > 0 && !handles.add(handle)) {
            mistakes.add("handle " + handle + " was opened while it was open");
        }
        return handle;
    }

    private void closing(long handle) {
        if (!handles.remove(handle)) {
            mistakes.add("handle " + handle + " was closed although it was not open");
        }
    }

    /** The error to return instead of calling, or 0. */
    private int fault(String function) {
        int use = calls.computeIfAbsent(function, f -> new AtomicInteger()).incrementAndGet();
        Fault fault = faults.get(function);
        return fault != null && use >= fault.firstUse && use < fault.firstUse + fault.uses
                ? -fault.error
                : 0;
    }

    @Override
    public long socket(NativeScratch scratch, int family, int type, int protocol) {
        int fault = fault("socket");
        return fault != 0 ? fault : opened(super.socket(scratch, family, type, protocol));
    }

    @Override
    public int closesocket(NativeScratch scratch, long socket) {
        closing(socket);
        int fault = fault("closesocket");
        int result = super.closesocket(scratch, socket);
        return fault != 0 ? fault : result;
    }

    @Override
    public int bind(NativeScratch scratch, long socket, MemorySegment address, int length) {
        int fault = fault("bind");
        return fault != 0 ? fault : super.bind(scratch, socket, address, length);
    }

    @Override
    public int connect(NativeScratch scratch, long socket, MemorySegment address, int length) {
        int fault = fault("connect");
        return fault != 0 ? fault : super.connect(scratch, socket, address, length);
    }

    @Override
    public int listen(NativeScratch scratch, long socket, int backlog) {
        int fault = fault("listen");
        return fault != 0 ? fault : super.listen(scratch, socket, backlog);
    }

    @Override
    public int getsockname(
            NativeScratch scratch, long socket, MemorySegment address, MemorySegment length) {
        int fault = fault("getsockname");
        return fault != 0 ? fault : super.getsockname(scratch, socket, address, length);
    }

    @Override
    public int getpeername(
            NativeScratch scratch, long socket, MemorySegment address, MemorySegment length) {
        int fault = fault("getpeername");
        return fault != 0 ? fault : super.getpeername(scratch, socket, address, length);
    }

    @Override
    public int setsockopt(
            NativeScratch scratch,
            long socket,
            int level,
            int option,
            MemorySegment value,
            int length) {
        int fault = fault("setsockopt");
        return fault != 0 ? fault : super.setsockopt(scratch, socket, level, option, value, length);
    }

    @Override
    public int getsockopt(
            NativeScratch scratch,
            long socket,
            int level,
            int option,
            MemorySegment value,
            MemorySegment length) {
        int fault = fault("getsockopt");
        return fault != 0 ? fault : super.getsockopt(scratch, socket, level, option, value, length);
    }

    @Override
    public int ioctlsocket(NativeScratch scratch, long socket, int command, MemorySegment value) {
        int fault = fault("ioctlsocket");
        return fault != 0 ? fault : super.ioctlsocket(scratch, socket, command, value);
    }

    @Override
    public int wsaIoctl(
            NativeScratch scratch,
            long socket,
            int code,
            MemorySegment in,
            int inBytes,
            MemorySegment out,
            int outBytes) {
        int fault = fault("wsaIoctl");
        return fault != 0
                ? fault
                : super.wsaIoctl(scratch, socket, code, in, inBytes, out, outBytes);
    }

    @Override
    public int shutdown(NativeScratch scratch, long socket, int how) {
        int fault = fault("shutdown");
        return fault != 0 ? fault : super.shutdown(scratch, socket, how);
    }

    @Override
    public int recv(
            NativeScratch scratch, long socket, MemorySegment buffer, int length, int flags) {
        int fault = fault("recv");
        return fault != 0 ? fault : super.recv(scratch, socket, buffer, length, flags);
    }

    @Override
    public int send(NativeScratch scratch, long socket, MemorySegment buffer, int length) {
        int fault = fault("send");
        return fault != 0 ? fault : super.send(scratch, socket, buffer, length);
    }

    @Override
    public int recvfrom(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            int length,
            MemorySegment address,
            MemorySegment addressLength) {
        int fault = fault("recvfrom");
        return fault != 0
                ? fault
                : super.recvfrom(scratch, socket, buffer, length, address, addressLength);
    }

    @Override
    public int sendto(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            int length,
            MemorySegment address,
            int addressLength) {
        int fault = fault("sendto");
        return fault != 0
                ? fault
                : super.sendto(scratch, socket, buffer, length, address, addressLength);
    }

    @Override
    public int poll(NativeScratch scratch, MemorySegment pollfd) {
        int fault = fault("poll");
        return fault != 0 ? fault : super.poll(scratch, pollfd);
    }

    @Override
    public int wsaRecv(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            MemorySegment flags,
            MemorySegment overlapped) {
        int fault = fault("wsaRecv");
        return fault != 0 ? fault : super.wsaRecv(scratch, socket, buffer, flags, overlapped);
    }

    @Override
    public int wsaRecvFrom(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            MemorySegment flags,
            MemorySegment address,
            MemorySegment addressLength,
            MemorySegment overlapped) {
        int fault = fault("wsaRecvFrom");
        return fault != 0
                ? fault
                : super.wsaRecvFrom(
                        scratch, socket, buffer, flags, address, addressLength, overlapped);
    }

    @Override
    public int extension(NativeScratch scratch, long socket, boolean connect) {
        int fault = fault("extension");
        return fault != 0 ? fault : super.extension(scratch, socket, connect);
    }

    @Override
    public int acceptEx(
            NativeScratch scratch,
            MemorySegment function,
            long listener,
            long socket,
            MemorySegment addresses,
            int addressBytes,
            MemorySegment overlapped) {
        int fault = fault("acceptEx");
        return fault != 0
                ? fault
                : super.acceptEx(
                        scratch, function, listener, socket, addresses, addressBytes, overlapped);
    }

    @Override
    public int connectEx(
            NativeScratch scratch,
            MemorySegment function,
            long socket,
            MemorySegment address,
            int length,
            MemorySegment overlapped) {
        int fault = fault("connectEx");
        return fault != 0
                ? fault
                : super.connectEx(scratch, function, socket, address, length, overlapped);
    }

    @Override
    public int overlappedResult(NativeScratch scratch, long socket, MemorySegment overlapped) {
        int fault = fault("overlappedResult");
        return fault != 0 ? fault : super.overlappedResult(scratch, socket, overlapped);
    }

    @Override
    public int cancel(NativeScratch scratch, long handle) {
        int fault = fault("cancel");
        return fault != 0 ? fault : super.cancel(scratch, handle);
    }

    @Override
    public long createPort(NativeScratch scratch) {
        int fault = fault("createPort");
        return fault != 0 ? fault : opened(super.createPort(scratch));
    }

    @Override
    public int associate(NativeScratch scratch, long handle, long port) {
        int fault = fault("associate");
        return fault != 0 ? fault : super.associate(scratch, handle, port);
    }

    @Override
    public int notificationModes(NativeScratch scratch, long handle, int modes) {
        int fault = fault("notificationModes");
        return fault != 0 ? fault : super.notificationModes(scratch, handle, modes);
    }

    @Override
    public int dequeue(
            NativeScratch scratch, long port, MemorySegment entries, int most, int millis) {
        int fault = fault("dequeue");
        return fault != 0 ? fault : super.dequeue(scratch, port, entries, most, millis);
    }

    @Override
    public int post(NativeScratch scratch, long port) {
        int fault = fault("post");
        return fault != 0 ? fault : super.post(scratch, port);
    }

    @Override
    public int closeHandle(NativeScratch scratch, long handle) {
        closing(handle);
        int fault = fault("closeHandle");
        int result = super.closeHandle(scratch, handle);
        return fault != 0 ? fault : result;
    }

    @Override
    public long afdOpen() {
        int fault = fault("afdOpen");
        return fault != 0 ? fault : opened(super.afdOpen());
    }

    @Override
    public int afdPoll(long afd, MemorySegment info, MemorySegment overlapped) {
        int fault = fault("afdPoll");
        return fault != 0 ? fault : super.afdPoll(afd, info, overlapped);
    }
}
