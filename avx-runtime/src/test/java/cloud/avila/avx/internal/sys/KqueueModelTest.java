package cloud.avila.avx.internal.sys;

import static cloud.avila.avx.internal.sys.DarwinLibc.EVFILT_READ;
import static cloud.avila.avx.internal.sys.DarwinLibc.EVFILT_USER;
import static cloud.avila.avx.internal.sys.DarwinLibc.EVFILT_WRITE;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_ADD;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_CLEAR;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_DELETE;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_EOF;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_ERROR;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_RECEIPT;
import static cloud.avila.avx.internal.sys.DarwinLibc.KEVENT_BYTES;
import static cloud.avila.avx.internal.sys.DarwinLibc.NOTE_TRIGGER;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * The edge cases of kevent(2) for which the model stands, as the manual page and
 * bsd/kern/kern_event.c of xnu have them. What is wrong here would make the driver's tests prove
 * nothing.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class KqueueModelTest {
    // Darwin's numbers
    private static final int ENOENT = 2;
    private static final int EBADF = 9;

    private record Event(long ident, short filter, int flags, long data, long udata) {
        boolean has(int flag) {
            return (flags & flag & 0xffff) != 0;
        }
    }

    private final KqueueModel model = new KqueueModel();
    private final NativeScratch scratch = new NativeScratch();
    private final MemorySegment changes = Arena.ofAuto().allocate(8 * KEVENT_BYTES, 8);
    private final MemorySegment events = Arena.ofAuto().allocate(8 * KEVENT_BYTES, 8);
    private final MemorySegment atOnce = Arena.ofAuto().allocate(16, 8);
    private final int kqueue = model.openKqueue(scratch);
    private final List<Integer> open = new ArrayList<>(List.of(kqueue));
    private int prepared;

    @AfterEach
    void close() {
        open.forEach(fd -> model.close(scratch, fd));
    }

    private void prepare(int ident, short filter, int flags, int fflags, long udata) {
        long at = (long) prepared++ * KEVENT_BYTES;
        changes.set(JAVA_LONG, at, ident);
        changes.set(JAVA_SHORT, at + 8, filter);
        changes.set(JAVA_SHORT, at + 10, (short) flags);
        changes.set(JAVA_INT, at + 12, fflags);
        changes.set(JAVA_LONG, at + 16, 0);
        changes.set(JAVA_LONG, at + 24, udata);
    }

    private int call(int most) {
        int count = prepared;
        prepared = 0;
        return model.kevent(scratch, kqueue, changes, count, events, most, atOnce);
    }

    private List<Event> take(int most) {
        int count = call(most);
        assertTrue(count >= 0, () -> "kevent: " + count);
        var taken = new ArrayList<Event>();
        for (int i = 0; i < count; i++) {
            long at = (long) i * KEVENT_BYTES;
            taken.add(
                    new Event(
                            events.get(JAVA_LONG, at),
                            events.get(JAVA_SHORT, at + 8),
                            events.get(JAVA_SHORT, at + 10) & 0xffff,
                            events.get(JAVA_LONG, at + 16),
                            events.get(JAVA_LONG, at + 24)));
        }
        return taken;
    }

    private void add(int fd, short filter, int flags, long udata) {
        prepare(fd, filter, EV_ADD | flags, 0, udata);
        assertEquals(0, call(0));
    }

    private record Pair(int one, int other) {}

    private Pair pair() {
        int listener = model.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_STREAM);
        var any = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
        int length = model.encode(scratch.address(), SocketCalls.AF_INET, any);
        assertEquals(0, model.bind(scratch, listener, scratch.address(), length));
        assertEquals(0, model.listen(scratch, listener, 1));
        scratch.length().set(JAVA_INT, 0, 28);
        model.getsockname(scratch, listener, scratch.address(), scratch.length());
        int one = model.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_STREAM);
        int unused = model.connect(scratch, one, scratch.address(), length);
        int other;
        do {
            scratch.length().set(JAVA_INT, 0, 28);
            other = model.accept(scratch, listener, scratch.address(), scratch.length());
        } while (other == -LinuxErrno.EAGAIN);
        assertTrue(other >= 0);
        model.close(scratch, listener);
        open.add(one);
        open.add(other);
        return new Pair(one, other);
    }

    private void send(int fd, int bytes) {
        assertEquals(bytes, model.send(scratch, fd, scratch.io(), bytes));
    }

    private long recv(int fd, int most) {
        return model.recv(scratch, fd, scratch.io(), most, 0);
    }

    private List<Event> takeSome() throws InterruptedException {
        for (; ; ) { // loopback delivers soon, not at once
            List<Event> taken = take(8);
            if (!taken.isEmpty()) {
                return taken;
            }
            Thread.sleep(1);
        }
    }

    @Test
    void aClearedEventIsReportedOnceForEachArrival() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_READ, EV_CLEAR, 7);
        assertEquals(List.of(), take(8));
        send(pair.other, 3);
        Event event = takeSome().getFirst();
        assertEquals(pair.one, event.ident);
        assertEquals(EVFILT_READ, event.filter);
        assertEquals(3, event.data);
        assertEquals(7, event.udata);
        assertEquals(List.of(), take(8), "the data is still there, but nothing new");
        send(pair.other, 2);
        assertEquals(5, takeSome().getFirst().data);
    }

    @Test
    void withoutClearItIsReportedAsLongAsItIsSo() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_READ, 0, 7);
        send(pair.other, 3);
        assertEquals(1, takeSome().size());
        assertEquals(1, take(8).size());
        assertEquals(3, recv(pair.one, 8));
        assertEquals(List.of(), take(8));
    }

    @Test
    void anEventWhoseCauseIsGoneIsTakenBack() throws Exception {
        Pair pair = pair();
        send(pair.other, 3);
        while (model.available(scratch, pair.one) < 3) {
            Thread.sleep(1);
        }
        add(pair.one, EVFILT_READ, EV_CLEAR, 7);
        assertEquals(3, recv(pair.one, 8));
        assertEquals(List.of(), take(8));
        send(pair.other, 1);
        assertEquals(1, takeSome().getFirst().data);
    }

    @Test
    void addingReportsWhatIsThereAlreadyAndAddingAgainReportsItAgain() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_WRITE, EV_CLEAR, 7);
        assertEquals(1, takeSome().size());
        assertEquals(List.of(), take(8));
        add(pair.one, EVFILT_WRITE, EV_CLEAR, 8);
        assertEquals(8, takeSome().getFirst().udata);
        assertEquals(1, model.knotes(kqueue, pair.one));
    }

    @Test
    void theFiltersOfADescriptorAreIndependent() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_READ, EV_CLEAR, 1);
        add(pair.one, EVFILT_WRITE, EV_CLEAR, 2);
        assertEquals(EVFILT_WRITE, takeSome().getFirst().filter);
        send(pair.other, 1);
        List<Event> taken = takeSome();
        assertEquals(1, taken.size(), "arrival of data is no room to write");
        assertEquals(EVFILT_READ, taken.getFirst().filter);
    }

    @Test
    void theEndIsReportedWithDataLeftAndStays() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_READ, EV_CLEAR, 1);
        send(pair.other, 4);
        model.shutdown(scratch, pair.other, SocketCalls.SHUT_WR);
        Event event;
        do {
            event = takeSome().getFirst();
        } while (!event.has(EV_EOF));
        assertEquals(4, event.data, "not received yet");
        assertEquals(4, recv(pair.one, 8));
        assertEquals(0, recv(pair.one, 8));
        add(pair.one, EVFILT_READ, EV_CLEAR, 1);
        assertTrue(takeSome().getFirst().has(EV_EOF));
    }

    @Test
    void receiptsSayHowEachChangeWentAndLeaveEventsForLater() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_WRITE, EV_CLEAR, 1);
        prepare(pair.one, EVFILT_READ, EV_ADD | EV_CLEAR | EV_RECEIPT, 0, 2);
        prepare(9999, EVFILT_READ, EV_ADD | EV_CLEAR | EV_RECEIPT, 0, 3);
        prepare(pair.other, EVFILT_READ, EV_DELETE | EV_RECEIPT, 0, 4);
        List<Event> receipts = take(8);
        assertEquals(3, receipts.size());
        assertTrue(receipts.stream().allMatch(receipt -> receipt.has(EV_ERROR)));
        assertEquals(
                List.of(0L, (long) EBADF, (long) ENOENT),
                receipts.stream().map(Event::data).toList());
        assertEquals(EVFILT_WRITE, takeSome().getFirst().filter, "the event that was waiting");
    }

    @Test
    void aFailedChangeIsAnEventIfThereIsRoomAndElseAnError() {
        prepare(9999, EVFILT_READ, EV_ADD, 0, 3);
        Event event = take(1).getFirst();
        assertTrue(event.has(EV_ERROR));
        assertEquals(EBADF, event.data);
        prepare(9999, EVFILT_READ, EV_DELETE, 0, 3);
        assertEquals(-2, call(0), "ENOENT, the same number everywhere");
        prepare(9999, EVFILT_READ, EV_ADD, 0, 3);
        assertEquals(-LinuxErrno.EBADF, call(0));
    }

    @Test
    void triggersOfAUserEventBeforeItIsCollectedAreOne() {
        add(0, EVFILT_USER, EV_CLEAR, -1);
        assertEquals(List.of(), take(8));
        for (int i = 0; i < 3; i++) {
            prepare(0, EVFILT_USER, 0, NOTE_TRIGGER, -1);
            assertEquals(0, call(0));
        }
        assertEquals(-1, take(8).getFirst().udata);
        assertEquals(List.of(), take(8));
    }

    @Test
    void aTriggerReplacesTheUserDataAndAnUnknownOneIsAnError() {
        prepare(0, EVFILT_USER, 0, NOTE_TRIGGER, -1);
        assertEquals(-2, call(0));
        add(0, EVFILT_USER, EV_CLEAR, 5);
        prepare(0, EVFILT_USER, 0, NOTE_TRIGGER, 6);
        assertEquals(0, call(0));
        assertEquals(6, take(8).getFirst().udata);
    }

    @Test
    void aTriggerEndsAWaitOfAnotherThread() throws Exception {
        add(0, EVFILT_USER, EV_CLEAR, -1);
        var own = new NativeScratch();
        MemorySegment into = Arena.ofAuto().allocate(KEVENT_BYTES, 8);
        int[] result = new int[1];
        Thread waiting =
                Thread.ofPlatform()
                        .start(
                                () ->
                                        result[0] =
                                                model.kevent(
                                                        own,
                                                        kqueue,
                                                        MemorySegment.NULL,
                                                        0,
                                                        into,
                                                        1,
                                                        MemorySegment.NULL));
        Thread.sleep(50);
        assertTrue(waiting.isAlive());
        prepare(0, EVFILT_USER, 0, NOTE_TRIGGER, -1);
        assertEquals(0, call(0));
        waiting.join();
        assertEquals(1, result[0]);
    }

    @Test
    void closingADescriptorDropsItsKnotes() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_READ, EV_CLEAR, 1);
        add(pair.one, EVFILT_WRITE, EV_CLEAR, 1);
        assertEquals(2, model.knotes(kqueue, pair.one));
        model.close(scratch, pair.one);
        open.remove((Integer) pair.one);
        assertEquals(0, model.knotes(kqueue, pair.one));
        assertEquals(List.of(), take(8), "an event that was due has gone as well");
        prepare(pair.one, EVFILT_READ, EV_DELETE, 0, 1);
        assertEquals(-2, call(0));
    }

    @Test
    void replacingADescriptorDropsItsKnotes() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_READ, EV_CLEAR, 1);
        int marker = model.openMarker(scratch);
        open.add(marker);
        assertTrue(model.replace(scratch, marker, pair.one) >= 0);
        assertEquals(0, model.knotes(kqueue, pair.one));
        long end;
        while ((end = recv(pair.other, 1)) == -LinuxErrno.EAGAIN) {
            Thread.sleep(1);
        }
        assertEquals(0, end, "and ends the connection");
        assertEquals(-LinuxErrno.ENOTSOCK, recv(pair.one, 1));
        assertEquals(List.of(), take(8));
    }

    @Test
    void moreEventsThanThereIsRoomForWait() throws Exception {
        Pair pair = pair();
        add(pair.one, EVFILT_WRITE, EV_CLEAR, 1);
        add(pair.other, EVFILT_WRITE, EV_CLEAR, 2);
        long first = take(1).getFirst().udata;
        long second = take(1).getFirst().udata;
        assertEquals(3, first + second);
        assertFalse(first == second);
        assertEquals(List.of(), take(1));
    }

    @Test
    void aKqueueThatIsClosedIsNone() {
        int other = model.openKqueue(scratch);
        model.close(scratch, other);
        assertEquals(
                -LinuxErrno.EBADF, model.kevent(scratch, other, changes, 0, events, 1, atOnce));
    }
}
