package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxUring;
import cloud.avila.avx.internal.sys.NativeScratch;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The two queues of an io_uring that this process shares with the kernel: submissions, which any
 * thread may add, and completions, which one thread at a time takes.
 *
 * <p>Invariant: an entry belongs to who may write it. A submission entry is ours from the kernel's
 * head (plus the size of the queue) to our tail, and the kernel's between head and tail; a
 * completion entry is the kernel's except between our head and its tail.
 *
 * <p>Nobody waits for anybody here, since a fiber must not and a thread might be preempted. Who has
 * something to submit puts it on a stack. Who then submits tries to get the right to write entries,
 * and who has it writes all there is; after giving it back he looks at the stack again, so what was
 * put there by who did not get the right is not forgotten. Who fails to write it all, because the
 * kernel takes no more, leaves it to the poller and wakes it.
 *
 * <p>Fields and memory orders; the pairing with the kernel is that of io_uring(7):
 *
 * <ul>
 *   <li>{@code added}: the stack, changed by atomic read-modify-write: pushed by anybody, taken as
 *       a whole by who may write, so there is no ABA. Sequentially consistent with {@code writing}:
 *       who pushes and then fails to get the right comes before the release of it, after which its
 *       holder reads the stack once more. And with the driver's mark that the poller waits: the
 *       poller sets it and then takes the stack, an adder pushes and then reads it.
 *   <li>{@code writing}: the right to write entries; by compare-and-set, given back by a volatile
 *       write. It passes on {@code backlog} and {@code backlogEnd}, what did not fit, and the
 *       submission tail.
 *   <li>submission tail, in the shared memory: written with release, so that the entries before it
 *       are complete when the kernel's acquire sees it. Others read it for a hint only.
 *   <li>submission head: written by the kernel when it has read an entry; read with acquire, so
 *       that an entry is not overwritten before.
 *   <li>completion tail: written by the kernel; read with acquire, so that the entries before it
 *       are seen whole.
 *   <li>completion head: {@code completed} is its copy, plain, since only who holds the right to
 *       take (see {@link UringDriver}) uses it; written with release after an entry was read, so
 *       that the kernel does not overwrite it before.
 *   <li>flags of the submission queue: written by the kernel, read opaque; they are hints that a
 *       later call repeats.
 * </ul>
 */
final class UringQueues {
    /** Something to submit; it may be added again when its completion has come. */
    static final class Submission {
        private final byte operation;
        private final byte flags;
        private final short priority;
        private final int fd;
        private final long address;
        private final int operationFlags;
        private final short group;
        private final long tag;
        private @Nullable Submission next;

        private Submission(
                byte operation,
                byte flags,
                short priority,
                int fd,
                long address,
                int operationFlags,
                short group,
                long tag) {
            this.operation = operation;
            this.flags = flags;
            this.priority = priority;
            this.fd = fd;
            this.address = address;
            this.operationFlags = operationFlags;
            this.group = group;
            this.tag = tag;
        }

        /** Receives into a buffer of the group, once there is something. */
        static Submission receive(int fd, short group, long tag) {
            return new Submission(
                    LinuxUring.OP_RECV,
                    LinuxUring.IOSQE_BUFFER_SELECT,
                    LinuxUring.RECVSEND_POLL_FIRST,
                    fd,
                    0,
                    0,
                    group,
                    tag);
        }

        /** Completes when the descriptor has one of the events. */
        static Submission poll(int fd, int events, long tag) {
            return new Submission(
                    LinuxUring.OP_POLL_ADD, (byte) 0, (short) 0, fd, 0, events, (short) 0, tag);
        }

        /** Ends what was submitted with a tag. */
        static Submission cancel(long target, long tag) {
            return new Submission(
                    LinuxUring.OP_ASYNC_CANCEL, (byte) 0, (short) 0, -1, target, 0, (short) 0, tag);
        }

        /** Completes at once. */
        static Submission nothing(long tag) {
            return new Submission(LinuxUring.OP_NOP, (byte) 0, (short) 0, -1, 0, 0, (short) 0, tag);
        }
    }

    /** How large, and with which optional flags. */
    record Sizes(int submissions, int completions, int optionalFlags) {}

    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final VarHandle SHARED = INT.varHandle();
    private static final VarHandle ADDED;
    private static final VarHandle WRITING;

    static {
        try {
            var lookup = MethodHandles.lookup();
            ADDED = lookup.findVarHandle(UringQueues.class, "added", Submission.class);
            WRITING = lookup.findVarHandle(UringQueues.class, "writing", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final long NANOS_PER_SECOND = 1_000_000_000L;
    private static final int NEEDED =
            LinuxUring.FEAT_SINGLE_MMAP
                    | LinuxUring.FEAT_NODROP
                    | LinuxUring.FEAT_FAST_POLL
                    | LinuxUring.FEAT_EXT_ARG;

    private final LinuxUring uring;
    private final int ring;
    private final MemorySegment queues;
    private final MemorySegment entries;
    private final MemorySegment argument;
    private final MemorySegment timespec;

    private final int submissions;
    private final int completionMask;
    private final long submissionHead;
    private final long submissionTail;
    private final long submissionFlags;
    private final long completionHead;
    private final long completionTail;
    private final long completionEntries;

    private volatile @Nullable Submission added;

    @SuppressWarnings("UnusedVariable") // through WRITING
    private volatile boolean writing;

    private @Nullable Submission backlog;
    private @Nullable Submission backlogEnd;
    private int completed;

    private UringQueues(
            LinuxUring uring,
            int ring,
            MemorySegment queues,
            MemorySegment entries,
            MemorySegment params) {
        this.uring = uring;
        this.ring = ring;
        this.queues = queues;
        this.entries = entries;
        submissions = params.get(INT, LinuxUring.PARAMS_SQ_ENTRIES);
        completionMask = params.get(INT, LinuxUring.PARAMS_CQ_ENTRIES) - 1;
        submissionHead = params.get(INT, LinuxUring.PARAMS_SQ_HEAD);
        submissionTail = params.get(INT, LinuxUring.PARAMS_SQ_TAIL);
        submissionFlags = params.get(INT, LinuxUring.PARAMS_SQ_FLAGS);
        completionHead = params.get(INT, LinuxUring.PARAMS_CQ_HEAD);
        completionTail = params.get(INT, LinuxUring.PARAMS_CQ_TAIL);
        completionEntries = params.get(INT, LinuxUring.PARAMS_CQES);
        Arena arena = Arena.ofAuto();
        argument = arena.allocate(LinuxUring.GETEVENTS_ARG_BYTES, 8);
        timespec = arena.allocate(2 * Long.BYTES, 8);
        argument.set(LONG, LinuxUring.GETEVENTS_ARG_TS, timespec.address());
    }

    /** Opens a ring with as many of the optional flags as the kernel knows. */
    static UringQueues open(LinuxUring uring, Sizes sizes) throws UringUnavailableException {
        MemorySegment params = Arena.ofAuto().allocate(LinuxUring.PARAMS_BYTES, 8);
        int always = LinuxUring.SETUP_CQSIZE | LinuxUring.SETUP_CLAMP;
        // newest first: what an older kernel does not know it refuses with EINVAL
        int[] optional = {
            sizes.optionalFlags,
            sizes.optionalFlags & ~LinuxUring.SETUP_NO_SQARRAY,
            sizes.optionalFlags & LinuxUring.SETUP_SUBMIT_ALL,
            0
        };
        int fd = -LinuxErrno.EINVAL;
        int flags = always;
        for (int i = 0; i < optional.length && fd == -LinuxErrno.EINVAL; i++) {
            flags = always | optional[i];
            params.fill((byte) 0);
            params.set(INT, LinuxUring.PARAMS_CQ_ENTRIES, sizes.completions);
            params.set(INT, LinuxUring.PARAMS_FLAGS, flags);
            fd = uring.setup(ReadinessSocket.scratch(), sizes.submissions, params);
        }
        if (fd < 0) {
            throw new UringUnavailableException("io_uring_setup", -fd);
        }
        int features = params.get(INT, LinuxUring.PARAMS_FEATURES);
        if ((features & NEEDED) != NEEDED) {
            uring.close(ReadinessSocket.scratch(), fd);
            throw new UringUnavailableException(features);
        }
        return map(uring, fd, params, (flags & LinuxUring.SETUP_NO_SQARRAY) == 0);
    }

    private static UringQueues map(LinuxUring uring, int fd, MemorySegment params, boolean hasArray)
            throws UringUnavailableException {
        int submissions = params.get(INT, LinuxUring.PARAMS_SQ_ENTRIES);
        long completions = params.get(INT, LinuxUring.PARAMS_CQ_ENTRIES);
        long array = params.get(INT, LinuxUring.PARAMS_SQ_ARRAY);
        long bytes =
                Math.max(
                        hasArray ? array + (long) submissions * Integer.BYTES : 0,
                        params.get(INT, LinuxUring.PARAMS_CQES)
                                + completions * LinuxUring.CQE_BYTES);
        long queues = uring.map(ReadinessSocket.scratch(), fd, LinuxUring.OFF_SQ_RING, bytes);
        if (queues < 0) {
            uring.close(ReadinessSocket.scratch(), fd);
            throw new UringUnavailableException("mmap of an io_uring", (int) -queues);
        }
        long entryBytes = (long) submissions * LinuxUring.SQE_BYTES;
        long entries = uring.map(ReadinessSocket.scratch(), fd, LinuxUring.OFF_SQES, entryBytes);
        if (entries < 0) {
            uring.unmap(ReadinessSocket.scratch(), queues, bytes);
            uring.close(ReadinessSocket.scratch(), fd);
            throw new UringUnavailableException("mmap of an io_uring", (int) -entries);
        }
        MemorySegment shared = memory(queues, bytes);
        for (int i = 0; hasArray && i < submissions; i++) {
            shared.set(INT, array + (long) i * Integer.BYTES, i);
        }
        return new UringQueues(uring, fd, shared, memory(entries, entryBytes), params);
    }

    /** Memory that lives until it is unmapped. */
    @SuppressWarnings("restricted")
    static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    int descriptor() {
        return ring;
    }

    // ---- submitting ----

    /** Adds something to what the next {@link #submit} or {@link #await} of any thread submits. */
    void add(Submission submission) {
        Submission top;
        do {
            top = added;
            submission.next = top;
        } while (!ADDED.compareAndSet(this, top, submission));
    }

    /** Writes entries, unless another thread does; not negative, else the negated error number. */
    private int write() {
        int result = 0;
        do {
            if (!WRITING.compareAndSet(this, false, true)) {
                return 0;
            }
            try {
                result = writeAll();
            } finally {
                writing = false;
            }
        } while (result >= 0 && added != null);
        return result;
    }

    private int writeAll() {
        takeAdded();
        int tail = (int) SHARED.get(queues, submissionTail);
        for (Submission next = backlog; next != null; next = backlog) {
            if (tail - head() >= submissions) {
                int result = enter(0, 0);
                if (tail - head() >= submissions) {
                    return Math.min(result, -LinuxErrno.EAGAIN);
                }
            }
            backlog = next.next;
            next.next = null;
            write(next, tail++);
            SHARED.setRelease(queues, submissionTail, tail);
        }
        backlogEnd = null;
        return 0;
    }

    /** Moves the stack to the end of the backlog, the oldest first. */
    private void takeAdded() {
        Submission top = (Submission) ADDED.getAndSet(this, null);
        if (top == null) {
            return;
        }
        Submission oldest = null;
        for (Submission each = top; each != null; ) {
            Submission older = each.next;
            each.next = oldest;
            oldest = each;
            each = older;
        }
        Submission end = backlogEnd;
        if (end == null) {
            backlog = oldest;
        } else {
            end.next = oldest;
        }
        backlogEnd = top;
    }

    private void write(Submission submission, int position) {
        long entry = (long) (position & (submissions - 1)) * LinuxUring.SQE_BYTES;
        for (long at = entry; at < entry + LinuxUring.SQE_BYTES; at += Long.BYTES) {
            entries.set(LONG, at, 0);
        }
        entries.set(BYTE, entry + LinuxUring.SQE_OPCODE, submission.operation);
        entries.set(BYTE, entry + LinuxUring.SQE_FLAGS, submission.flags);
        entries.set(SHORT, entry + LinuxUring.SQE_IOPRIO, submission.priority);
        entries.set(INT, entry + LinuxUring.SQE_FD, submission.fd);
        entries.set(LONG, entry + LinuxUring.SQE_ADDR, submission.address);
        entries.set(INT, entry + LinuxUring.SQE_OP_FLAGS, submission.operationFlags);
        entries.set(LONG, entry + LinuxUring.SQE_USER_DATA, submission.tag);
        entries.set(SHORT, entry + LinuxUring.SQE_BUF_GROUP, submission.group);
    }

    private int head() {
        return (int) SHARED.getAcquire(queues, submissionHead);
    }

    /** How many entries the kernel has not read. */
    private int pending() {
        return (int) SHARED.getAcquire(queues, submissionTail) - head();
    }

    /** Whether entering would do something although nobody waits. */
    boolean isEnteringDue() {
        return added != null || pending() != 0 || isCompletingDue();
    }

    private boolean isCompletingDue() {
        int flags = (int) SHARED.getOpaque(queues, submissionFlags);
        return (flags & (LinuxUring.SQ_CQ_OVERFLOW | LinuxUring.SQ_TASKRUN)) != 0;
    }

    /**
     * Submits what was added, without waiting.
     *
     * @param completes whether to complete also what is due to the calling thread
     * @return not negative, else the negated error number: try again later
     */
    int submit(boolean completes) {
        int result = write();
        int entered = enter(completes ? LinuxUring.ENTER_GETEVENTS : 0, 0);
        return Math.min(result, entered);
    }

    private int enter(int flags, int least) {
        int all = isCompletingDue() ? flags | LinuxUring.ENTER_GETEVENTS : flags;
        return uring.enter(
                ReadinessSocket.scratch(), ring, pending(), least, all, MemorySegment.NULL);
    }

    /** Submits what was added and waits for a completion; only the poller may. */
    int await(long timeoutNanos) {
        int result = write();
        if (result < 0) {
            return result;
        }
        if (timeoutNanos < 0) {
            return enter(LinuxUring.ENTER_GETEVENTS, 1);
        }
        timespec.set(LONG, 0, timeoutNanos / NANOS_PER_SECOND);
        timespec.set(LONG, Long.BYTES, timeoutNanos % NANOS_PER_SECOND);
        return uring.enter(
                ReadinessSocket.scratch(),
                ring,
                pending(),
                1,
                LinuxUring.ENTER_GETEVENTS | LinuxUring.ENTER_EXT_ARG,
                argument);
    }

    // ---- completing; one thread at a time, but for ready() ----

    /** How many completions can be taken; no more than a hint to who may not take them. */
    int ready() {
        return (int) SHARED.getAcquire(queues, completionTail)
                - (int) SHARED.getOpaque(queues, completionHead);
    }

    boolean hasNext() {
        return (int) SHARED.getAcquire(queues, completionTail) != completed;
    }

    private long next() {
        return completionEntries + (long) (completed & completionMask) * LinuxUring.CQE_BYTES;
    }

    long nextTag() {
        return queues.get(LONG, next() + LinuxUring.CQE_USER_DATA);
    }

    int nextResult() {
        return uring.result(nextTag(), queues.get(INT, next() + LinuxUring.CQE_RES));
    }

    int nextFlags() {
        return queues.get(INT, next() + LinuxUring.CQE_FLAGS);
    }

    void advance() {
        completed++;
        SHARED.setRelease(queues, completionHead, completed);
    }

    /** Gives everything back; what is still under way is cancelled by the kernel, later. */
    void close() {
        NativeScratch scratch = ReadinessSocket.scratch();
        uring.unmap(scratch, entries.address(), entries.byteSize());
        uring.unmap(scratch, queues.address(), queues.byteSize());
        uring.close(scratch, ring);
    }
}
