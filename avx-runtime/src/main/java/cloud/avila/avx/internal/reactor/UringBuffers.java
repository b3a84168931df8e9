package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.park.ShortLocks;
import cloud.avila.avx.internal.sys.LinuxUring;
import cloud.avila.avx.internal.sys.NativeScratch;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Buffers of which the kernel takes one when a receive has something to put into it: a receive that
 * waits holds none.
 *
 * <p>Invariant: a buffer is either the kernel's, between its head and {@code tail} of the ring or
 * in an operation, or ours from the completion that names it until {@link #give}. {@code tail} is
 * guarded by {@code lock}; its shared copy is written with release, so that the kernel sees the
 * entry whole and nothing of ours reads the buffer after it.
 */
final class UringBuffers {
    /** How many, a power of two, and how large; filled with a pattern when nobody owns them. */
    record Sizes(int buffers, int bytes, boolean poisoned) {}

    /** No buffer. */
    static final int NONE = -1;

    /** The group of the buffers; a ring has one only. */
    static final short GROUP = 1;

    /** What a poisoned buffer is filled with. */
    static final byte POISON = (byte) 0xA5;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final VarHandle TAIL = SHORT.varHandle();

    private final LinuxUring uring;
    private final Sizes sizes;
    private final MemorySegment memory;
    private final MemorySegment ring;
    private final MemorySegment pool;
    private final ReentrantLock lock = new ReentrantLock();
    private int tail;

    private UringBuffers(LinuxUring uring, Sizes sizes, MemorySegment memory) {
        this.uring = uring;
        this.sizes = sizes;
        this.memory = memory;
        this.pool = memory.asSlice(0, (long) sizes.buffers * sizes.bytes);
        this.ring = memory.asSlice(pool.byteSize());
    }

    static UringBuffers open(LinuxUring uring, int fd, Sizes sizes)
            throws UringUnavailableException {
        // the ring has to begin with a page, which the pool before it leaves so
        long poolBytes = (long) sizes.buffers * sizes.bytes;
        if (poolBytes % 4096 != 0) {
            throw new IllegalArgumentException("buffers do not fill pages: " + sizes);
        }
        long bytes = poolBytes + (long) sizes.buffers * LinuxUring.BUF_BYTES;
        long address = uring.pages(ReadinessSocket.scratch(), bytes);
        if (address < 0) {
            throw new UringUnavailableException("mmap of buffers", (int) -address);
        }
        var buffers = new UringBuffers(uring, sizes, UringQueues.memory(address, bytes));
        MemorySegment registration = Arena.ofAuto().allocate(LinuxUring.BUF_REG_BYTES, 8);
        registration.set(LONG, LinuxUring.BUF_REG_RING_ADDR, buffers.ring.address());
        registration.set(INT, LinuxUring.BUF_REG_RING_ENTRIES, sizes.buffers);
        registration.set(SHORT, LinuxUring.BUF_REG_BGID, GROUP);
        int result =
                uring.register(
                        ReadinessSocket.scratch(),
                        fd,
                        LinuxUring.REGISTER_PBUF_RING,
                        registration,
                        1);
        if (result < 0) {
            buffers.close();
            throw new UringUnavailableException("registering buffers with io_uring", -result);
        }
        for (int i = 0; i < sizes.buffers; i++) {
            buffers.give(i);
        }
        return buffers;
    }

    /** Copies out of a buffer that is ours. */
    void copy(int buffer, int offset, MemorySegment to, long count) {
        MemorySegment.copy(pool, (long) buffer * sizes.bytes + offset, to, 0, count);
    }

    /** Copies out of a buffer that is ours. */
    byte[] copy(int buffer, int count) {
        byte[] copied = new byte[count];
        MemorySegment.copy(pool, JAVA_BYTE, (long) buffer * sizes.bytes, copied, 0, count);
        return copied;
    }

    /** Gives a buffer of ours to the kernel. Does not unmount a virtual thread. */
    void give(int buffer) {
        long at = (long) buffer * sizes.bytes;
        if (sizes.poisoned) {
            pool.asSlice(at, sizes.bytes).fill(POISON);
        }
        ShortLocks.acquireNested(lock);
        try {
            long entry = (long) (tail & (sizes.buffers - 1)) * LinuxUring.BUF_BYTES;
            ring.set(LONG, entry + LinuxUring.BUF_ADDR, pool.address() + at);
            ring.set(INT, entry + LinuxUring.BUF_LEN, sizes.bytes);
            ring.set(SHORT, entry + LinuxUring.BUF_BID, (short) buffer);
            tail++;
            TAIL.setRelease(ring, (long) LinuxUring.BUF_RING_TAIL, (short) tail);
        } finally {
            lock.unlock();
        }
    }

    /** Unmaps the memory; the kernel must not use it any more. */
    void close() {
        NativeScratch scratch = ReadinessSocket.scratch();
        uring.unmap(scratch, memory.address(), memory.byteSize());
    }
}
