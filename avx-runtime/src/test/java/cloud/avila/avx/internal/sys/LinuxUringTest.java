package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import cloud.avila.avx.testing.RequiresIoUring;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.TreeSet;

@EnabledOnOs(OS.LINUX)
@RequiresIoUring
class LinuxUringTest {
    private static final MemoryLayout U64 = JAVA_LONG;
    private static final MemoryLayout U32 = JAVA_INT;
    private static final MemoryLayout U16 = JAVA_SHORT;
    private static final MemoryLayout U8 = JAVA_BYTE;

    private final LinuxUring uring = NativeAccess.linuxUring();
    private final NativeScratch scratch = new NativeScratch();
    private final Arena arena = Arena.ofAuto();
    private final TreeSet<String> called = new TreeSet<>();

    /** A struct with the fields of linux/io_uring.h; "name" or unnamed ones. */
    private static MemoryLayout struct(Object... namesAndLayouts) {
        var fields = new MemoryLayout[namesAndLayouts.length / 2];
        for (int i = 0; i < fields.length; i++) {
            fields[i] =
                    ((MemoryLayout) namesAndLayouts[2 * i + 1])
                            .withName((String) namesAndLayouts[2 * i]);
        }
        return MemoryLayout.structLayout(fields);
    }

    private static long offset(MemoryLayout struct, String field) {
        return struct.byteOffset(PathElement.groupElement(field));
    }

    private static MemoryLayout offsets(String array) {
        return struct(
                "head",
                U32,
                "tail",
                U32,
                "ring_mask",
                U32,
                "ring_entries",
                U32,
                "flags",
                U32,
                "dropped",
                U32,
                array,
                U32,
                "resv1",
                U32,
                "user_addr",
                U64);
    }

    @Test
    void structuresLieAsTheHeaderSays() {
        MemoryLayout completions =
                struct(
                        "head",
                        U32,
                        "tail",
                        U32,
                        "ring_mask",
                        U32,
                        "ring_entries",
                        U32,
                        "overflow",
                        U32,
                        "cqes",
                        U32,
                        "flags",
                        U32,
                        "resv1",
                        U32,
                        "user_addr",
                        U64);
        MemoryLayout params =
                struct(
                        "sq_entries",
                        U32,
                        "cq_entries",
                        U32,
                        "flags",
                        U32,
                        "sq_thread_cpu",
                        U32,
                        "sq_thread_idle",
                        U32,
                        "features",
                        U32,
                        "wq_fd",
                        U32,
                        "resv",
                        MemoryLayout.sequenceLayout(3, U32),
                        "sq_off",
                        offsets("array"),
                        "cq_off",
                        completions);
        assertEquals(LinuxUring.PARAMS_BYTES, params.byteSize());
        assertEquals(LinuxUring.PARAMS_SQ_ENTRIES, offset(params, "sq_entries"));
        assertEquals(LinuxUring.PARAMS_CQ_ENTRIES, offset(params, "cq_entries"));
        assertEquals(LinuxUring.PARAMS_FLAGS, offset(params, "flags"));
        assertEquals(LinuxUring.PARAMS_FEATURES, offset(params, "features"));
        long submission = offset(params, "sq_off");
        assertEquals(LinuxUring.PARAMS_SQ_HEAD, submission + offset(offsets("array"), "head"));
        assertEquals(LinuxUring.PARAMS_SQ_TAIL, submission + offset(offsets("array"), "tail"));
        assertEquals(LinuxUring.PARAMS_SQ_FLAGS, submission + offset(offsets("array"), "flags"));
        assertEquals(LinuxUring.PARAMS_SQ_ARRAY, submission + offset(offsets("array"), "array"));
        long completion = offset(params, "cq_off");
        assertEquals(LinuxUring.PARAMS_CQ_HEAD, completion + offset(completions, "head"));
        assertEquals(LinuxUring.PARAMS_CQ_TAIL, completion + offset(completions, "tail"));
        assertEquals(LinuxUring.PARAMS_CQES, completion + offset(completions, "cqes"));

        MemoryLayout entry =
                struct(
                        "opcode",
                        U8,
                        "flags",
                        U8,
                        "ioprio",
                        U16,
                        "fd",
                        U32,
                        "off",
                        U64,
                        "addr",
                        U64,
                        "len",
                        U32,
                        "op_flags",
                        U32,
                        "user_data",
                        U64,
                        "buf_group",
                        U16,
                        "personality",
                        U16,
                        "splice_fd_in",
                        U32,
                        "addr3",
                        U64,
                        "pad2",
                        U64);
        assertEquals(LinuxUring.SQE_BYTES, entry.byteSize());
        assertEquals(LinuxUring.SQE_OPCODE, offset(entry, "opcode"));
        assertEquals(LinuxUring.SQE_FLAGS, offset(entry, "flags"));
        assertEquals(LinuxUring.SQE_IOPRIO, offset(entry, "ioprio"));
        assertEquals(LinuxUring.SQE_FD, offset(entry, "fd"));
        assertEquals(LinuxUring.SQE_ADDR, offset(entry, "addr"));
        assertEquals(LinuxUring.SQE_LEN, offset(entry, "len"));
        assertEquals(LinuxUring.SQE_OP_FLAGS, offset(entry, "op_flags"));
        assertEquals(LinuxUring.SQE_USER_DATA, offset(entry, "user_data"));
        assertEquals(LinuxUring.SQE_BUF_GROUP, offset(entry, "buf_group"));

        MemoryLayout done = struct("user_data", U64, "res", U32, "flags", U32);
        assertEquals(LinuxUring.CQE_BYTES, done.byteSize());
        assertEquals(LinuxUring.CQE_USER_DATA, offset(done, "user_data"));
        assertEquals(LinuxUring.CQE_RES, offset(done, "res"));
        assertEquals(LinuxUring.CQE_FLAGS, offset(done, "flags"));

        MemoryLayout argument =
                struct("sigmask", U64, "sigmask_sz", U32, "min_wait_usec", U32, "ts", U64);
        assertEquals(LinuxUring.GETEVENTS_ARG_BYTES, argument.byteSize());
        assertEquals(LinuxUring.GETEVENTS_ARG_TS, offset(argument, "ts"));

        MemoryLayout registration =
                struct(
                        "ring_addr",
                        U64,
                        "ring_entries",
                        U32,
                        "bgid",
                        U16,
                        "flags",
                        U16,
                        "resv",
                        MemoryLayout.sequenceLayout(3, U64));
        assertEquals(LinuxUring.BUF_REG_BYTES, registration.byteSize());
        assertEquals(LinuxUring.BUF_REG_RING_ADDR, offset(registration, "ring_addr"));
        assertEquals(LinuxUring.BUF_REG_RING_ENTRIES, offset(registration, "ring_entries"));
        assertEquals(LinuxUring.BUF_REG_BGID, offset(registration, "bgid"));

        MemoryLayout buffer = struct("addr", U64, "len", U32, "bid", U16, "tail", U16);
        assertEquals(LinuxUring.BUF_BYTES, buffer.byteSize());
        assertEquals(LinuxUring.BUF_ADDR, offset(buffer, "addr"));
        assertEquals(LinuxUring.BUF_LEN, offset(buffer, "len"));
        assertEquals(LinuxUring.BUF_BID, offset(buffer, "bid"));
        assertEquals(LinuxUring.BUF_RING_TAIL, offset(buffer, "tail"));
    }

    /** Enumerators and flags as linux/io_uring.h has them. */
    @Test
    void constantsAreThoseOfTheHeader() {
        assertEquals(
                "8 16 128 256 512 65536",
                LinuxUring.SETUP_CQSIZE
                        + " "
                        + LinuxUring.SETUP_CLAMP
                        + " "
                        + LinuxUring.SETUP_SUBMIT_ALL
                        + " "
                        + LinuxUring.SETUP_COOP_TASKRUN
                        + " "
                        + LinuxUring.SETUP_TASKRUN_FLAG
                        + " "
                        + LinuxUring.SETUP_NO_SQARRAY);
        assertEquals(
                "0 6 14 27 32 1 22",
                LinuxUring.OP_NOP
                        + " "
                        + LinuxUring.OP_POLL_ADD
                        + " "
                        + LinuxUring.OP_ASYNC_CANCEL
                        + " "
                        + LinuxUring.OP_RECV
                        + " "
                        + LinuxUring.IOSQE_BUFFER_SELECT
                        + " "
                        + LinuxUring.RECVSEND_POLL_FIRST
                        + " "
                        + LinuxUring.REGISTER_PBUF_RING);
    }

    private long ok(String handle, long result) {
        called.add(handle);
        assertTrue(result >= 0, () -> handle + ": " + LinuxErrno.name((int) -result));
        return result;
    }

    @SuppressWarnings("restricted")
    private static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** Two operations that do nothing go through a ring, and buffers are taken by the kernel. */
    @Test
    void everyFunctionDoesWhatItsNameSays() {
        MemorySegment params = arena.allocate(LinuxUring.PARAMS_BYTES, 8);
        params.set(JAVA_INT, LinuxUring.PARAMS_CQ_ENTRIES, 32);
        params.set(JAVA_INT, LinuxUring.PARAMS_FLAGS, LinuxUring.SETUP_CQSIZE);
        int ring = (int) ok("SETUP", uring.setup(scratch, 8, params));
        assertEquals(8, params.get(JAVA_INT, LinuxUring.PARAMS_SQ_ENTRIES));
        assertEquals(32, params.get(JAVA_INT, LinuxUring.PARAMS_CQ_ENTRIES));
        int array = params.get(JAVA_INT, LinuxUring.PARAMS_SQ_ARRAY);
        int completions = params.get(JAVA_INT, LinuxUring.PARAMS_CQES);
        long bytes = Math.max(array + 8L * Integer.BYTES, completions + 32L * LinuxUring.CQE_BYTES);
        MemorySegment queues =
                memory(ok("MMAP", uring.map(scratch, ring, LinuxUring.OFF_SQ_RING, bytes)), bytes);
        long entryBytes = 8L * LinuxUring.SQE_BYTES;
        MemorySegment entries =
                memory(
                        ok("MMAP", uring.map(scratch, ring, LinuxUring.OFF_SQES, entryBytes)),
                        entryBytes);
        for (int i = 0; i < 2; i++) {
            queues.set(JAVA_INT, array + (long) i * Integer.BYTES, i);
            long entry = (long) i * LinuxUring.SQE_BYTES;
            entries.set(JAVA_BYTE, entry + LinuxUring.SQE_OPCODE, LinuxUring.OP_NOP);
            entries.set(JAVA_LONG, entry + LinuxUring.SQE_USER_DATA, 0x1234_5678_9abc_def0L + i);
        }
        queues.set(JAVA_INT, params.get(JAVA_INT, LinuxUring.PARAMS_SQ_TAIL), 2);
        int submitted =
                uring.enter(scratch, ring, 2, 2, LinuxUring.ENTER_GETEVENTS, MemorySegment.NULL);
        assertEquals(2, ok("ENTER", submitted));
        assertEquals(2, queues.get(JAVA_INT, params.get(JAVA_INT, LinuxUring.PARAMS_SQ_HEAD)));
        assertEquals(2, queues.get(JAVA_INT, params.get(JAVA_INT, LinuxUring.PARAMS_CQ_TAIL)));
        assertEquals(
                0x1234_5678_9abc_def1L,
                queues.get(JAVA_LONG, completions + (long) LinuxUring.CQE_BYTES));

        queues.set(JAVA_INT, params.get(JAVA_INT, LinuxUring.PARAMS_CQ_HEAD), 2);

        // the argument with a time: nothing comes, so it ends by that
        MemorySegment timespec = arena.allocate(16, 8);
        timespec.set(JAVA_LONG, 8, 1_000_000L);
        MemorySegment argument = arena.allocate(LinuxUring.GETEVENTS_ARG_BYTES, 8);
        argument.set(JAVA_LONG, LinuxUring.GETEVENTS_ARG_TS, timespec.address());
        assertEquals(
                -LinuxErrno.ETIME,
                uring.enter(
                        scratch,
                        ring,
                        0,
                        1,
                        LinuxUring.ENTER_GETEVENTS | LinuxUring.ENTER_EXT_ARG,
                        argument));

        long pages = ok("MMAP", uring.pages(scratch, 4096));
        assertEquals(0, pages % 4096);
        MemorySegment registration = arena.allocate(LinuxUring.BUF_REG_BYTES, 8);
        registration.set(JAVA_LONG, LinuxUring.BUF_REG_RING_ADDR, pages);
        registration.set(JAVA_INT, LinuxUring.BUF_REG_RING_ENTRIES, 4);
        registration.set(JAVA_SHORT, LinuxUring.BUF_REG_BGID, (short) 7);
        int register = LinuxUring.REGISTER_PBUF_RING;
        ok("REGISTER", uring.register(scratch, ring, register, registration, 1));
        assertEquals(-LinuxErrno.EEXIST, uring.register(scratch, ring, register, registration, 1));

        assertEquals(0, ok("MUNMAP", uring.unmap(scratch, entries.address(), entryBytes)));
        assertEquals(0, uring.unmap(scratch, queues.address(), bytes));
        assertEquals(0, uring.close(scratch, ring));
        assertEquals(0, uring.unmap(scratch, pages, 4096));
        assertEquals(-LinuxErrno.EBADF, uring.close(scratch, ring));

        var handles = new TreeSet<String>();
        Arrays.stream(LinuxUring.class.getDeclaredFields())
                .filter(field -> field.getType() == MethodHandle.class)
                .filter(field -> Modifier.isStatic(field.getModifiers()))
                .forEach(field -> handles.add(field.getName()));
        assertEquals(handles, called, "each function is called here");
    }

    @Test
    void errorsComeBackAsNumbers() {
        MemorySegment params = arena.allocate(LinuxUring.PARAMS_BYTES, 8);
        params.set(JAVA_INT, LinuxUring.PARAMS_FLAGS, 1 << 31);
        assertEquals(-LinuxErrno.EINVAL, uring.setup(scratch, 8, params));
        assertEquals(
                -LinuxErrno.EBADF,
                uring.enter(scratch, Integer.MAX_VALUE, 0, 0, 0, MemorySegment.NULL));
        assertEquals(
                -LinuxErrno.EBADF,
                uring.register(scratch, Integer.MAX_VALUE, 0, MemorySegment.NULL, 0));
        assertEquals(-LinuxErrno.EBADF, uring.map(scratch, Integer.MAX_VALUE, 0, 4096));
        assertEquals(-LinuxErrno.EINVAL, uring.unmap(scratch, 1, 4096));
    }
}
