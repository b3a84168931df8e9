package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.park.ShortLocks;
import cloud.avila.avx.internal.sys.Winsock;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The native memory of a driver's operations: what the system may write to while they are pending.
 * A block belongs to one operation from {@link #attach} to {@link #detach}, and each has a number
 * by which a completion finds it. Blocks are taken from slabs that stay until the driver is closed,
 * so a driver keeps the memory of as many operations as were ever there at the same time.
 *
 * <p>The block, {@value #BLOCK_BYTES} bytes; what Windows defines is at the offsets of its headers:
 *
 * <pre>
 *   0  OVERLAPPED, 32 bytes (IO_STATUS_BLOCK at its beginning)
 *  32  number of the block
 *  40  WSABUF, 16 bytes
 *  56  flags of a receive
 *  60  length of the address
 *  64  AFD_POLL_INFO, 32 bytes
 *  96  a socket address, up to 32 bytes
 * 128  the two addresses of AcceptEx, 2 x 44 bytes
 * </pre>
 *
 * <p>Fields: the free lists are used under {@code lock}. {@code owners} is an array of arrays that
 * grows by replacing the outer one, under the lock; the poller reads it, volatile. An entry is
 * written before the number is handed to the system and read after the system gave it back, with
 * the queue of the port in between.
 */
final class IocpMemory {
    static final int BLOCK_BYTES = 256;
    static final int NUMBER = 32;
    static final int BUFFER = 40;
    static final int BUFFER_ADDRESS = BUFFER + 8;
    static final int FLAGS = 56;
    static final int ADDRESS_LENGTH = 60;
    static final int POLL_INFO = 64;
    static final int ADDRESS = 96;
    static final int ADDRESSES = 128;

    /** Bytes that AcceptEx wants for each of the two addresses. */
    static final int ACCEPT_BYTES = 28 + Winsock.ACCEPT_ADDRESS_EXTRA;

    /** A page: the system locks whole pages while a receive is pending. */
    static final int PAGE_BYTES = 4096;

    /** More than the longest datagram, 65,527 bytes. */
    static final int DATAGRAM_BYTES = 64 << 10;

    private static final int BLOCKS_IN_SLAB = 64;
    private static final int PAGES_IN_SLAB = 16;
    private static final byte POISON = (byte) 0xDB;

    /** All memory, for the number in a block that the system names by its address. */
    @SuppressWarnings("restricted")
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final Arena arena = Arena.ofShared();
    private final boolean poison;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<MemorySegment> freeBlocks = new ArrayDeque<>();
    private final ArrayDeque<MemorySegment> freePages = new ArrayDeque<>();
    private final ArrayDeque<MemorySegment> freeDatagrams = new ArrayDeque<>();
    private volatile @Nullable IocpOperation[][] owners = {};

    /**
     * Has no memory yet.
     *
     * @param poison whether memory that is given back is filled with a pattern, and checked to be
     *     untouched when it is taken again
     */
    IocpMemory(boolean poison) {
        this.poison = poison;
    }

    /** A block for an operation, with its number in it. */
    MemorySegment attach(IocpOperation operation) {
        ShortLocks.acquire(lock);
        try {
            MemorySegment block = freeBlocks.poll();
            if (block == null) {
                block = moreBlocks();
            } else {
                checkPoison(block);
            }
            int number = (int) block.get(ValueLayout.JAVA_LONG, NUMBER);
            owners[number / BLOCKS_IN_SLAB][number % BLOCKS_IN_SLAB] = operation;
            return block;
        } finally {
            lock.unlock();
        }
    }

    private MemorySegment moreBlocks() {
        @Nullable IocpOperation[][] wider = Arrays.copyOf(owners, owners.length + 1);
        int first = (wider.length - 1) * BLOCKS_IN_SLAB;
        wider[wider.length - 1] = new @Nullable IocpOperation[BLOCKS_IN_SLAB];
        MemorySegment slab = slab(BLOCKS_IN_SLAB * BLOCK_BYTES);
        owners = wider;
        for (int i = BLOCKS_IN_SLAB - 1; i >= 0; i--) {
            MemorySegment block = unscoped(slab, (long) i * BLOCK_BYTES, BLOCK_BYTES);
            block.set(ValueLayout.JAVA_LONG, NUMBER, first + i);
            freeBlocks.push(block);
            poison(block);
        }
        return freeBlocks.pop();
    }

    /** Gives a block back, when the system does not know it any more. */
    void detach(MemorySegment block) {
        ShortLocks.acquire(lock);
        try {
            int number = (int) block.get(ValueLayout.JAVA_LONG, NUMBER);
            owners[number / BLOCKS_IN_SLAB][number % BLOCKS_IN_SLAB] = null;
            poison(block);
            freeBlocks.push(block);
        } finally {
            lock.unlock();
        }
    }

    /** The operation whose OVERLAPPED is at this address. */
    IocpOperation owner(long overlapped) {
        int number = (int) EVERYTHING.get(ValueLayout.JAVA_LONG, overlapped + NUMBER);
        IocpOperation owner = owners[number / BLOCKS_IN_SLAB][number % BLOCKS_IN_SLAB];
        if (owner == null) {
            throw new IllegalStateException(
                    "the system completed operation " + number + ", which nobody has begun");
        }
        return owner;
    }

    /** Operations that the system has not given back. */
    int pending() {
        ShortLocks.acquire(lock);
        try {
            int pending = 0;
            for (@Nullable IocpOperation[] slab : owners) {
                for (@Nullable IocpOperation operation : slab) {
                    pending += operation != null && operation.isWithSystem() ? 1 : 0;
                }
            }
            return pending;
        } finally {
            lock.unlock();
        }
    }

    /** Blocks and buffers that are in use. */
    int inUse() {
        ShortLocks.acquire(lock);
        try {
            return owners.length * BLOCKS_IN_SLAB - freeBlocks.size();
        } finally {
            lock.unlock();
        }
    }

    /** A buffer of {@link #PAGE_BYTES} or {@link #DATAGRAM_BYTES}. */
    MemorySegment takeBuffer(int bytes) {
        ShortLocks.acquire(lock);
        try {
            ArrayDeque<MemorySegment> free = freeOf(bytes);
            if (free.isEmpty()) {
                int count = bytes == PAGE_BYTES ? PAGES_IN_SLAB : 1;
                MemorySegment slab = slab((long) count * bytes);
                for (int i = count - 1; i >= 0; i--) {
                    MemorySegment buffer = unscoped(slab, (long) i * bytes, bytes);
                    fill(buffer, 0);
                    free.push(buffer);
                }
            }
            MemorySegment buffer = free.pop();
            checkFilled(buffer, 0);
            return buffer;
        } finally {
            lock.unlock();
        }
    }

    void giveBuffer(MemorySegment buffer) {
        ShortLocks.acquire(lock);
        try {
            fill(buffer, 0);
            freeOf((int) buffer.byteSize()).push(buffer);
        } finally {
            lock.unlock();
        }
    }

    private ArrayDeque<MemorySegment> freeOf(int bytes) {
        return bytes == PAGE_BYTES ? freePages : freeDatagrams;
    }

    private MemorySegment slab(long bytes) {
        return arena.allocate(bytes, PAGE_BYTES);
    }

    /** Without the check that the arena is alive: the driver closes it last. */
    @SuppressWarnings("restricted")
    private static MemorySegment unscoped(MemorySegment slab, long offset, long bytes) {
        return MemorySegment.ofAddress(slab.address() + offset).reinterpret(bytes);
    }

    private void poison(MemorySegment block) {
        if (poison) {
            long number = block.get(ValueLayout.JAVA_LONG, NUMBER);
            fill(block, 0);
            block.set(ValueLayout.JAVA_LONG, NUMBER, number);
        }
    }

    private void checkPoison(MemorySegment block) {
        checkFilled(block.asSlice(0, NUMBER), 0);
        checkFilled(block, NUMBER + Long.BYTES);
    }

    private void fill(MemorySegment memory, long from) {
        if (poison) {
            memory.asSlice(from).fill(POISON);
        }
    }

    private void checkFilled(MemorySegment memory, long from) {
        for (long at = from; poison && at < memory.byteSize(); at++) {
            byte found = memory.get(ValueLayout.JAVA_BYTE, at);
            if (found != POISON) {
                throw new IllegalStateException(
                        "memory of an operation was written to after the operation had ended: byte "
                                + at
                                + " of "
                                + memory.byteSize()
                                + " is "
                                + found);
            }
        }
    }

    /** Frees everything; nothing of it may be used any more, by the system or by anybody. */
    void free() {
        arena.close();
    }
}
