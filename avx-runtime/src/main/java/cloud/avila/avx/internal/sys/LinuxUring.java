package cloud.avila.avx.internal.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The system calls of io_uring(7) on Linux, with the constants and structure layouts of
 * linux/io_uring.h that a ring for sockets needs. The C library has no functions for them, so they
 * are made by their numbers, which x86-64 and aarch64 share.
 *
 * <p>As in {@link LinuxLibc}, every call takes the {@link NativeScratch} of the carrier, returns
 * the negated error number when it fails, and can be overridden by a test that injects faults.
 *
 * <p>Thread-safe. No call here waits except {@link #enter} with a number of completions to wait
 * for.
 */
@SuppressWarnings("restricted")
public class LinuxUring {
    // flags of io_uring_setup, IORING_SETUP_*

    /** The size of the completion queue is given. */
    public static final int SETUP_CQSIZE = 1 << 3;

    /** Sizes beyond the limits are brought within them. */
    public static final int SETUP_CLAMP = 1 << 4;

    /** A submission that fails does not stop those behind it. Linux 5.18. */
    public static final int SETUP_SUBMIT_ALL = 1 << 7;

    /**
     * The thread that submitted is not interrupted to complete; it does so when it enters. 5.19.
     */
    public static final int SETUP_COOP_TASKRUN = 1 << 8;

    /** With COOP_TASKRUN: {@link #SQ_TASKRUN} says that entering is due. Linux 5.19. */
    public static final int SETUP_TASKRUN_FLAG = 1 << 9;

    /** Entries are used in order, without the array of indexes. Linux 6.6. */
    public static final int SETUP_NO_SQARRAY = 1 << 16;

    // features that io_uring_setup reports, IORING_FEAT_*

    /** One mapping holds both queues. Linux 5.4. */
    public static final int FEAT_SINGLE_MMAP = 1;

    /** Completions beyond the queue are kept by the kernel. Linux 5.5. */
    public static final int FEAT_NODROP = 1 << 1;

    /** Operations that would block wait by poll, not in a thread. Linux 5.7. */
    public static final int FEAT_FAST_POLL = 1 << 5;

    /** {@link #ENTER_EXT_ARG}. Linux 5.11. */
    public static final int FEAT_EXT_ARG = 1 << 8;

    // flags of io_uring_enter, IORING_ENTER_*

    /** Complete what is due, and wait for as many completions as asked for. */
    public static final int ENTER_GETEVENTS = 1;

    /** The argument is a {@code struct io_uring_getevents_arg}. */
    public static final int ENTER_EXT_ARG = 1 << 3;

    // flags of the submission queue, IORING_SQ_*

    /** The kernel keeps completions for which the queue had no room. */
    public static final int SQ_CQ_OVERFLOW = 1 << 1;

    /** Completions are due when the thread enters. */
    public static final int SQ_TASKRUN = 1 << 2;

    // what io_uring_register does, IORING_REGISTER_*

    /** Give the kernel a ring of buffers, {@code struct io_uring_buf_reg}. Linux 5.19. */
    public static final int REGISTER_PBUF_RING = 22;

    // where a ring's parts are mapped, IORING_OFF_*

    /** Both queues. */
    public static final long OFF_SQ_RING = 0;

    /** The submission entries. */
    public static final long OFF_SQES = 0x1000_0000L;

    // struct io_uring_params, with struct io_sqring_offsets and struct io_cqring_offsets

    /** Bytes of {@code struct io_uring_params}. */
    public static final int PARAMS_BYTES = 120;

    /** Entries of the submission queue, written by the kernel. */
    public static final int PARAMS_SQ_ENTRIES = 0;

    /** Entries of the completion queue, wanted and then written by the kernel. */
    public static final int PARAMS_CQ_ENTRIES = 4;

    /** {@code SETUP_*}. */
    public static final int PARAMS_FLAGS = 8;

    /** {@code FEAT_*}. */
    public static final int PARAMS_FEATURES = 20;

    /** Where in the mapping the head of the submission queue is. */
    public static final int PARAMS_SQ_HEAD = 40;

    /** Where its tail is. */
    public static final int PARAMS_SQ_TAIL = 44;

    /** Where its flags are, {@code SQ_*}. */
    public static final int PARAMS_SQ_FLAGS = 56;

    /** Where the array of indexes is. */
    public static final int PARAMS_SQ_ARRAY = 64;

    /** Where in the mapping the head of the completion queue is. */
    public static final int PARAMS_CQ_HEAD = 80;

    /** Where its tail is. */
    public static final int PARAMS_CQ_TAIL = 84;

    /** Where its entries are. */
    public static final int PARAMS_CQES = 100;

    // struct io_uring_sqe

    /** Bytes of {@code struct io_uring_sqe}. */
    public static final int SQE_BYTES = 64;

    /** What to do, a byte: {@code OP_*}. */
    public static final int SQE_OPCODE = 0;

    /** How, a byte: {@code IOSQE_*}. */
    public static final int SQE_FLAGS = 1;

    /** Flags of the operation, 16 bits. */
    public static final int SQE_IOPRIO = 2;

    /** The descriptor, an int. */
    public static final int SQE_FD = 4;

    /** An address or a tag, 64 bits. */
    public static final int SQE_ADDR = 16;

    /** Bytes, an int. */
    public static final int SQE_LEN = 24;

    /** Flags of the operation, an int; the events to poll for. */
    public static final int SQE_OP_FLAGS = 28;

    /** Comes back with the completion, 64 bits. */
    public static final int SQE_USER_DATA = 32;

    /** Which group of buffers, 16 bits. */
    public static final int SQE_BUF_GROUP = 40;

    /** {@code IORING_OP_NOP}: completes at once. */
    public static final byte OP_NOP = 0;

    /** {@code IORING_OP_POLL_ADD}: waits for readiness. */
    public static final byte OP_POLL_ADD = 6;

    /** {@code IORING_OP_ASYNC_CANCEL}: ends another operation, named by its user data. */
    public static final byte OP_ASYNC_CANCEL = 14;

    /** {@code IORING_OP_RECV}. */
    public static final byte OP_RECV = 27;

    /** {@code IOSQE_BUFFER_SELECT}: the kernel takes a buffer of the group when there is data. */
    public static final byte IOSQE_BUFFER_SELECT = 1 << 5;

    /** {@code IORING_RECVSEND_POLL_FIRST}: wait before trying. Linux 5.19. */
    public static final short RECVSEND_POLL_FIRST = 1;

    // struct io_uring_cqe

    /** Bytes of {@code struct io_uring_cqe}. */
    public static final int CQE_BYTES = 16;

    /** The user data of the submission, 64 bits. */
    public static final int CQE_USER_DATA = 0;

    /** The result, an int: what the system call returns, or the negated error number. */
    public static final int CQE_RES = 8;

    /** Flags, an int: {@code CQE_F_*}. */
    public static final int CQE_FLAGS = 12;

    /** A buffer was used; its number is in the upper half of the flags. */
    public static final int CQE_F_BUFFER = 1;

    /** The socket held more than was received. */
    public static final int CQE_F_SOCK_NONEMPTY = 1 << 2;

    /** How far to shift the flags to get the number of the buffer. */
    public static final int CQE_BUFFER_SHIFT = 16;

    // struct io_uring_getevents_arg

    /** Bytes of {@code struct io_uring_getevents_arg}. */
    public static final int GETEVENTS_ARG_BYTES = 24;

    /** Address of a {@code struct __kernel_timespec}, 64 bits. */
    public static final int GETEVENTS_ARG_TS = 16;

    // struct io_uring_buf_reg, struct io_uring_buf

    /** Bytes of {@code struct io_uring_buf_reg}. */
    public static final int BUF_REG_BYTES = 40;

    /** Address of the ring, 64 bits. */
    public static final int BUF_REG_RING_ADDR = 0;

    /** Its entries, an int; a power of two. */
    public static final int BUF_REG_RING_ENTRIES = 8;

    /** The number of the group, 16 bits. */
    public static final int BUF_REG_BGID = 12;

    /** Bytes of {@code struct io_uring_buf}. */
    public static final int BUF_BYTES = 16;

    /** Address of the buffer, 64 bits. */
    public static final int BUF_ADDR = 0;

    /** Its bytes, an int. */
    public static final int BUF_LEN = 8;

    /** Its number, 16 bits. */
    public static final int BUF_BID = 12;

    /** Where the tail of {@code struct io_uring_buf_ring} is, 16 bits of its first entry. */
    public static final int BUF_RING_TAIL = 14;

    // sys/mman.h

    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_POPULATE = 0x8000;

    // asm-generic/unistd.h and asm/unistd_64.h
    private static final long SYS_SETUP = 425;
    private static final long SYS_ENTER = 426;
    private static final long SYS_REGISTER = 427;

    private static final MethodHandle SETUP =
            LinuxLibc.handle(
                    "syscall",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS),
                    Linker.Option.firstVariadicArg(1));
    private static final MethodHandle ENTER =
            LinuxLibc.handle(
                    "syscall",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                            ADDRESS, JAVA_LONG),
                    Linker.Option.firstVariadicArg(1));
    private static final MethodHandle REGISTER =
            LinuxLibc.handle(
                    "syscall",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG),
                    Linker.Option.firstVariadicArg(1));
    private static final MethodHandle MMAP =
            LinuxLibc.handle(
                    "mmap",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                            JAVA_LONG));
    private static final MethodHandle MUNMAP =
            LinuxLibc.handle("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

    private static final LinuxUring INSTANCE = new LinuxUring();

    /** For subclasses that inject faults. */
    protected LinuxUring() {}

    /** The binding; {@link NativeAccess#linuxUring()} is the way to it. */
    static LinuxUring instance() {
        return INSTANCE;
    }

    /**
     * {@code io_uring_setup(2)}.
     *
     * @param scratch the carrier's scratch
     * @param entries wanted entries of the submission queue
     * @param params a {@code struct io_uring_params}, read and filled
     * @return a new descriptor, not inherited by programs we start, else the negated error number
     */
    public int setup(NativeScratch scratch, int entries, MemorySegment params) {
        try {
            long result =
                    (long) SETUP.invokeExact(scratch.capture(), SYS_SETUP, (long) entries, params);
            return result >= 0 ? (int) result : -scratch.errno();
        } catch (Throwable t) {
            throw LinuxLibc.rethrow(t);
        }
    }

    /**
     * {@code io_uring_enter(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the ring
     * @param submit how many entries to submit
     * @param complete how many completions to wait for
     * @param flags {@code ENTER_*}
     * @param argument as the flags say, or {@link MemorySegment#NULL}
     * @return how many entries were submitted, else the negated error number
     */
    public int enter(
            NativeScratch scratch,
            int fd,
            int submit,
            int complete,
            int flags,
            MemorySegment argument) {
        try {
            long result =
                    (long)
                            ENTER.invokeExact(
                                    scratch.capture(),
                                    SYS_ENTER,
                                    (long) fd,
                                    (long) submit,
                                    (long) complete,
                                    (long) flags,
                                    argument,
                                    argument.byteSize());
            return result >= 0 ? (int) result : -scratch.errno();
        } catch (Throwable t) {
            throw LinuxLibc.rethrow(t);
        }
    }

    /**
     * {@code io_uring_register(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the ring
     * @param operation {@code REGISTER_*}
     * @param argument what the operation reads or writes
     * @param count how many of them
     * @return not negative, else the negated error number
     */
    public int register(
            NativeScratch scratch, int fd, int operation, MemorySegment argument, int count) {
        try {
            long result =
                    (long)
                            REGISTER.invokeExact(
                                    scratch.capture(),
                                    SYS_REGISTER,
                                    (long) fd,
                                    (long) operation,
                                    argument,
                                    (long) count);
            return result >= 0 ? (int) result : -scratch.errno();
        } catch (Throwable t) {
            throw LinuxLibc.rethrow(t);
        }
    }

    /**
     * Maps a part of a ring with {@code mmap(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the ring
     * @param offset {@code OFF_*}
     * @param bytes its length
     * @return its address, else the negated error number
     */
    public long map(NativeScratch scratch, int fd, long offset, long bytes) {
        return mmap(scratch, bytes, MAP_SHARED | MAP_POPULATE, fd, offset);
    }

    /**
     * Takes pages of memory from the system with {@code mmap(2)}. They are filled with zeros.
     *
     * @param scratch the carrier's scratch
     * @param bytes how many
     * @return their address, aligned to a page, else the negated error number
     */
    public long pages(NativeScratch scratch, long bytes) {
        return mmap(scratch, bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }

    private static long mmap(NativeScratch scratch, long bytes, int flags, int fd, long offset) {
        try {
            long result =
                    (long)
                            MMAP.invokeExact(
                                    scratch.capture(),
                                    0L,
                                    bytes,
                                    PROT_READ_WRITE,
                                    flags,
                                    fd,
                                    offset);
            return result != -1 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw LinuxLibc.rethrow(t);
        }
    }

    /**
     * Gives back with {@code munmap(2)} what {@link #map} or {@link #pages} returned.
     *
     * @param scratch the carrier's scratch
     * @param address its address
     * @param bytes its length
     * @return 0, else the negated error number
     */
    public int unmap(NativeScratch scratch, long address, long bytes) {
        try {
            int result = (int) MUNMAP.invokeExact(scratch.capture(), address, bytes);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw LinuxLibc.rethrow(t);
        }
    }

    /**
     * {@code close(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the ring
     * @return 0, else the negated error number
     */
    public int close(NativeScratch scratch, int fd) {
        return LinuxLibc.instance().close(scratch, fd);
    }

    /**
     * The result in a completion: here, so that a test can replace it.
     *
     * @param userData whose completion it is
     * @param result what the kernel wrote
     * @return the result
     */
    public int result(long userData, int result) {
        return result;
    }
}
