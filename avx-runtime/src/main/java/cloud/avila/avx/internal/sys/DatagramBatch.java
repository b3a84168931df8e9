package cloud.avila.avx.internal.sys;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Headers for several datagrams in one call: on Linux an array of {@code struct mmsghdr} (64 bytes:
 * {@code struct msghdr} and, at 56, the length that was transferred), with an {@code iovec} and an
 * address each. {@code struct msghdr}, bits/socket.h, on 64-bit systems: address at 0, its length,
 * an int, at 8, {@code iovec} at 16, their number at 24, control data at 32, its length at 40,
 * flags at 48.
 *
 * <p>A view of memory, which has to be filled anew for every call. Not thread-safe.
 */
public final class DatagramBatch {
    static final int MMSGHDR_BYTES = 64;
    static final int MSGHDR_BYTES = 56;
    static final int IOVEC_BYTES = 16;

    /** Room for an address; a multiple of 8. */
    private static final int ADDRESS_BYTES = 32;

    /** Bytes of memory for each datagram. */
    public static final int BYTES_EACH = MMSGHDR_BYTES + IOVEC_BYTES + ADDRESS_BYTES;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    private final MemorySegment memory;
    private final int iovecs;
    private final int addresses;

    /**
     * Makes a batch.
     *
     * @param memory at least {@code capacity} times {@link #BYTES_EACH} bytes, aligned to 8
     * @param capacity most datagrams
     */
    public DatagramBatch(MemorySegment memory, int capacity) {
        this.memory = memory;
        this.iovecs = capacity * MMSGHDR_BYTES;
        this.addresses = iovecs + capacity * IOVEC_BYTES;
    }

    /**
     * Sets the buffer of one.
     *
     * @param index which, from 0
     * @param buffer native memory, which the caller keeps alive
     * @param length its bytes
     */
    public void buffer(int index, MemorySegment buffer, long length) {
        long iovec = iovecs + (long) index * IOVEC_BYTES;
        memory.set(LONG, iovec, buffer.address());
        memory.set(LONG, iovec + 8, length);
        long header = (long) index * MMSGHDR_BYTES;
        memory.set(LONG, header, memory.address() + addresses + (long) index * ADDRESS_BYTES);
        memory.set(LONG, header + 8, ADDRESS_BYTES);
        memory.set(LONG, header + 16, memory.address() + iovec);
        memory.set(LONG, header + 24, 1);
        memory.set(LONG, header + 32, 0);
        memory.set(LONG, header + 40, 0);
        memory.set(LONG, header + 48, 0);
        memory.set(INT, header + MSGHDR_BYTES, 0);
    }

    /**
     * The address of one.
     *
     * @param index which, from 0
     * @return 32 bytes
     */
    public MemorySegment address(int index) {
        return memory.asSlice(addresses + (long) index * ADDRESS_BYTES, ADDRESS_BYTES);
    }

    /**
     * Sets the length of the address of one, after {@link #buffer}.
     *
     * @param index which, from 0
     * @param bytes its bytes; 0 for none
     */
    public void addressLength(int index, int bytes) {
        long header = (long) index * MMSGHDR_BYTES;
        memory.set(INT, header + 8, bytes);
        if (bytes == 0) {
            memory.set(LONG, header, 0);
        }
    }

    /**
     * The length of the address of one that came.
     *
     * @param index which, from 0
     * @return its bytes
     */
    public int addressLength(int index) {
        return memory.get(INT, (long) index * MMSGHDR_BYTES + 8);
    }

    /**
     * The length of one that came.
     *
     * @param index which, from 0
     * @return bytes of the whole datagram, more than its buffer's if it did not fit
     */
    public int transferred(int index) {
        return memory.get(INT, (long) index * MMSGHDR_BYTES + MSGHDR_BYTES);
    }

    /** Where the headers begin. */
    MemorySegment headers() {
        return memory;
    }
}
