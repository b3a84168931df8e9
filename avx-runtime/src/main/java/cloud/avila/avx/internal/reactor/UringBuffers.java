package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.LinuxUring;
import cloud.avila.avx.internal.sys.NativeScratch;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Buffers of which the kernel takes one when a receive has something to put into it: a receive that
 * waits holds none.
 *
 * <p>Invariant: a buffer is either the kernel's, between its head and our tail of the ring or in an
 * operation, or ours from the completion that names it until {@link #give}. Given buffers are on a
 * stack until {@link #handOver} puts them into the ring: nobody has to wait for a lock, and if the
 * kernel meanwhile finds no buffer, the completion that says so leads to the next hand-over.
 *
 * <ul>
 *   <li>{@code given}: the stack's top, changed by atomic read-modify-write; pushed by anybody,
 *       taken as a whole. {@code below[i]}, plain, says what lies below buffer i; it is passed on
 *       by {@code given}.
 *   <li>{@code handing}: the right to write the ring and {@code tail}; by compare-and-set. Who does
 *       not get it leaves the buffers to the next.
 *   <li>the tail in the ring is written with release: the kernel sees the entries whole, and
 *       nothing of ours reads a buffer after it.
 * </ul>
 */
final class UringBuffers {
    /** How many, a power of two, and how large; filled with a pattern when nobody owns them. */
    record Sizes(int buffers, int bytes, boolean poisoned) {
        /** From one buffer to the next: else all would begin in the same set of a cache. */
        long stride() {
            return bytes + CACHE_LINE;
        }

        long poolBytes() {
            // the ring behind has to begin with a page
            return (buffers * stride() + PAGE - 1) & -PAGE;
        }
    }

    private static final long CACHE_LINE = 64;
    private static final long PAGE = 64 << 10; // the largest there is

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
    private static final VarHandle GIVEN;
    private static final VarHandle HANDING;

    static {
        try {
            var lookup = MethodHandles.lookup();
            GIVEN = lookup.findVarHandle(UringBuffers.class, "given", int.class);
            HANDING = lookup.findVarHandle(UringBuffers.class, "handing", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final LinuxUring uring;
    private final Sizes sizes;
    private final MemorySegment memory;
    private final MemorySegment ring;
    private final MemorySegment pool;
    private final int[] below;
    private volatile int given = NONE;

    @SuppressWarnings("UnusedVariable") // through HANDING
    private volatile boolean handing;

    private int tail;

    private UringBuffers(LinuxUring uring, Sizes sizes, MemorySegment memory) {
        this.uring = uring;
        this.sizes = sizes;
        this.memory = memory;
        this.below = new int[sizes.buffers];
        this.pool = memory.asSlice(0, sizes.poolBytes());
        this.ring = memory.asSlice(sizes.poolBytes());
    }

    static UringBuffers open(LinuxUring uring, int fd, Sizes sizes)
            throws UringUnavailableException {
        long bytes = sizes.poolBytes() + (long) sizes.buffers * LinuxUring.BUF_BYTES;
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
            buffers.give(sizes.buffers - 1 - i); // the last given is the first used
        }
        buffers.handOver();
        return buffers;
    }

    /** Copies out of a buffer that is ours. */
    void copy(int buffer, int offset, MemorySegment to, long count) {
        MemorySegment.copy(pool, buffer * sizes.stride() + offset, to, 0, count);
    }

    /** Copies out of a buffer that is ours. */
    byte[] copy(int buffer, int count) {
        byte[] copied = new byte[count];
        MemorySegment.copy(pool, JAVA_BYTE, buffer * sizes.stride(), copied, 0, count);
        return copied;
    }

    /** Gives a buffer of ours to the kernel. Does not unmount a virtual thread. */
    void give(int buffer) {
        if (sizes.poisoned) {
            pool.asSlice(buffer * sizes.stride(), sizes.bytes).fill(POISON);
        }
        int top;
        do {
            top = given;
            below[buffer] = top;
        } while (!GIVEN.compareAndSet(this, top, buffer));
    }

    /** Hands the buffers that were given to the kernel. */
    void handOver() {
        if (given == NONE || !HANDING.compareAndSet(this, false, true)) {
            return;
        }
        try {
            int buffer = (int) GIVEN.getAndSet(this, NONE);
            while (buffer != NONE) {
                int next = below[buffer];
                long entry = (long) (tail & (sizes.buffers - 1)) * LinuxUring.BUF_BYTES;
                ring.set(
                        LONG,
                        entry + LinuxUring.BUF_ADDR,
                        pool.address() + buffer * sizes.stride());
                ring.set(INT, entry + LinuxUring.BUF_LEN, sizes.bytes);
                ring.set(SHORT, entry + LinuxUring.BUF_BID, (short) buffer);
                tail++;
                buffer = next;
            }
            TAIL.setRelease(ring, (long) LinuxUring.BUF_RING_TAIL, (short) tail);
        } finally {
            handing = false;
        }
    }

    /** Unmaps the memory; the kernel must not use it any more. */
    void close() {
        NativeScratch scratch = ReadinessSocket.scratch();
        uring.unmap(scratch, memory.address(), memory.byteSize());
    }
}
