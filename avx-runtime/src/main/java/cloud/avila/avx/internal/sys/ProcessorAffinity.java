package cloud.avila.avx.internal.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * On which processors threads may run: {@code sched_getaffinity} and {@code sched_setaffinity} of
 * Linux. The mask has a bit for each processor.
 */
public final class ProcessorAffinity {
    private static final int MASK_BYTES = 1024; // 8192 processors, as many as Linux can have

    private ProcessorAffinity() {}

    /**
     * The processors that the calling thread may run on.
     *
     * @return their numbers, ascending, at least one
     * @throws UnsupportedOperationException if the system does not tell; the message says why
     */
    public static int[] allowed() {
        LinuxLibc libc = NativeAccess.linux();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
            checked("sched_getaffinity", libc.schedGetaffinity(scratch(), MASK_BYTES, mask));
            return IntStream.range(0, MASK_BYTES * Byte.SIZE)
                    .filter(cpu -> isSet(mask, cpu))
                    .toArray();
        }
    }

    /**
     * Binds the calling thread to one processor.
     *
     * @param processor its number
     * @throws UnsupportedOperationException if the system refuses; the message says why
     */
    public static void bind(int processor) {
        LinuxLibc libc = NativeAccess.linux();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
            mask.set(
                    ValueLayout.JAVA_BYTE,
                    processor / Byte.SIZE,
                    (byte) (1 << (processor % Byte.SIZE)));
            checked(
                    "sched_setaffinity to processor " + processor,
                    libc.schedSetaffinity(scratch(), MASK_BYTES, mask));
        }
    }

    private static boolean isSet(MemorySegment mask, int cpu) {
        byte bits = mask.get(ValueLayout.JAVA_BYTE, cpu / Byte.SIZE);
        return (bits >>> (cpu % Byte.SIZE) & 1) != 0;
    }

    private static NativeScratch scratch() {
        return NativeScratch.of(Thread.currentThread());
    }

    private static void checked(String call, int result) {
        if (result < 0) {
            throw new UnsupportedOperationException(
                    call + " failed with " + LinuxErrno.name(-result));
        }
    }
}
