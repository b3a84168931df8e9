package cloud.avila.avx.internal.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Native memory that belongs to one platform thread: where a system call leaves its {@code errno},
 * a buffer through which heap arrays reach the kernel, and a small area for addresses and option
 * values.
 *
 * <p>Not thread-safe, and needs no locks, because of one rule: between fetching the scratch of the
 * carrier and taking the last result out of it there is no point where a virtual thread may unmount
 * (no park, no yield, no monitor, no lock). The JDK does not preempt virtual threads, so for that
 * stretch the carrier, and with it the scratch, belongs to the caller alone. The scratch must be
 * fetched anew after every such point.
 *
 * <p>The memory lives as long as this object is reachable, that is as long as its thread.
 */
public final class NativeScratch {
    /** Bytes of the I/O buffer of a platform thread. */
    public static final int IO_BYTES = 64 << 10;

    /** Bytes of each of the small segments: a cache line, room for every option. */
    private static final int SMALL_BYTES = 64;

    /** Bytes of the place for an address: two cache lines, room for the 110 of a Unix socket's. */
    private static final int ADDRESS_BYTES = 128;

    /**
     * Bytes of the place for a message header: {@code struct msghdr}, one {@code iovec} and as many
     * descriptors as one message can carry; also for the address of a multicast group.
     */
    private static final int MESSAGE_BYTES = 1536;

    /** Bytes of the I/O buffer of a virtual thread whose carrier cannot be seen. */
    private static final int SMALL_IO_BYTES = 8 << 10;

    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private static final ThreadLocal<NativeScratch> OF_THREAD =
            ThreadLocal.withInitial(
                    () ->
                            new NativeScratch(
                                    Thread.currentThread().isVirtual()
                                            ? SMALL_IO_BYTES
                                            : IO_BYTES));
    private static final ConcurrentHashMap<Thread, NativeScratch> OF_FOREIGN_CARRIER =
            new ConcurrentHashMap<>();

    /** A thread that keeps its scratch in a field, which is the fastest way to it. */
    public interface Owner {
        /**
         * The scratch of this thread, the same object every time.
         *
         * @return the scratch
         */
        NativeScratch nativeScratch();
    }

    private final MemorySegment memory;
    private final MemorySegment capture;
    private final MemorySegment io;
    private final MemorySegment address;
    private final MemorySegment value;
    private final MemorySegment length;
    private final MemorySegment message;

    /** Allocates the scratch of a platform thread. */
    public NativeScratch() {
        this(IO_BYTES);
    }

    private NativeScratch(int ioBytes) {
        int small = 3 * SMALL_BYTES + ADDRESS_BYTES;
        memory = Arena.ofAuto().allocate(small + MESSAGE_BYTES + ioBytes, SMALL_BYTES);
        capture = unscoped(memory, 0, CAPTURE.byteSize());
        value = unscoped(memory, SMALL_BYTES, SMALL_BYTES);
        length = unscoped(memory, 2 * SMALL_BYTES, SMALL_BYTES);
        address = unscoped(memory, 3 * SMALL_BYTES, ADDRESS_BYTES);
        message = unscoped(memory, small, MESSAGE_BYTES);
        io = unscoped(memory, small + MESSAGE_BYTES, ioBytes);
    }

    /**
     * The same memory without the check that its arena is alive, which costs more than the rest of
     * a call. The thread keeps this object, and this object the arena.
     */
    @SuppressWarnings("restricted")
    private static MemorySegment unscoped(MemorySegment memory, long offset, long size) {
        return MemorySegment.ofAddress(memory.address() + offset).reinterpret(size);
    }

    /**
     * The scratch that the caller may use until the next point where it may unmount.
     *
     * @param carrier the platform thread under the caller, or the calling virtual thread where the
     *     carrier is not known
     * @return its scratch
     */
    public static NativeScratch of(Thread carrier) {
        if (carrier instanceof Owner owner) {
            return owner.nativeScratch();
        }
        return carrier == Thread.currentThread() ? OF_THREAD.get() : ofForeignCarrier(carrier);
    }

    /** For virtual threads on the JDK's own scheduler, whose carriers have no field for us. */
    private static NativeScratch ofForeignCarrier(Thread carrier) {
        NativeScratch known = OF_FOREIGN_CARRIER.get(carrier);
        if (known != null) {
            return known;
        }
        OF_FOREIGN_CARRIER.keySet().removeIf(thread -> !thread.isAlive());
        var made = new NativeScratch();
        OF_FOREIGN_CARRIER.put(carrier, made);
        return made;
    }

    /**
     * The buffer for data on its way between the heap and the kernel.
     *
     * @return {@link #IO_BYTES} bytes, fewer only where carriers are not visible
     */
    public MemorySegment io() {
        return io;
    }

    /**
     * The place for a socket address.
     *
     * @return 128 bytes, aligned to 64
     */
    public MemorySegment address() {
        return address;
    }

    /**
     * The place for an option's value or a {@code struct epoll_event}.
     *
     * @return 64 bytes, aligned to as many
     */
    public MemorySegment value() {
        return value;
    }

    /**
     * The place for the length of an address or value, which the kernel reads and writes.
     *
     * @return 64 bytes, aligned to as many
     */
    public MemorySegment length() {
        return length;
    }

    /**
     * The place for a message header with descriptors, or for the address of a multicast group.
     *
     * @return 1536 bytes, aligned to 64
     */
    public MemorySegment message() {
        return message;
    }

    /** Where the linker stores the error number of a call. */
    MemorySegment capture() {
        return capture;
    }

    /** The error number of the last call that failed. */
    int errno() {
        return (int) ERRNO.get(capture, 0L);
    }
}
