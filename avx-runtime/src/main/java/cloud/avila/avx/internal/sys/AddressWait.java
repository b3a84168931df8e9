package cloud.avila.avx.internal.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * Lets a platform thread sleep in the operating system until a word of native memory changes: the
 * {@code futex} of Linux, {@code os_sync_wait_on_address} of macOS 14.4 and later, {@code
 * WaitOnAddress} of Windows 8 and later. The comparison and going to sleep are one step for who
 * wakes.
 *
 * <p>Thread-safe. Only the calls on Linux have been run on their real system; those of Windows have
 * been run under Wine.
 */
@SuppressWarnings("restricted")
public abstract sealed class AddressWait {
    private AddressWait() {}

    /**
     * The binding for this system.
     *
     * @return a new binding
     * @throws UnsupportedOperationException if the system has no such call or native access is
     *     denied; the message says which
     */
    public static AddressWait open() {
        return open(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    static AddressWait open(String os, String arch) {
        try {
            if (os.equals("Linux")) {
                return new Futex(
                        switch (arch) {
                            case "amd64" -> 202; // asm/unistd_64.h
                            case "aarch64" -> 98; // asm-generic/unistd.h
                            default -> throw unsupported(os, arch, "its number is not known", null);
                        });
            }
            if (os.startsWith("Mac")) {
                return new OsSync();
            }
            if (os.startsWith("Windows")) {
                return new WindowsWait();
            }
        } catch (LinkageError | IllegalCallerException | IllegalArgumentException e) {
            throw unsupported(os, arch, e.toString(), e);
        }
        throw unsupported(os, arch, "there is no binding", null);
    }

    private static UnsupportedOperationException unsupported(
            String os, String arch, String why, @Nullable Throwable cause) {
        return new UnsupportedOperationException(
                "threads cannot wait on an address on " + os + " " + arch + ": " + why, cause);
    }

    /**
     * Sleeps while the word has the value. May return early for no reason.
     *
     * @param word four bytes, aligned, of memory that stays
     * @param value what the word is compared with
     */
    public abstract void await(MemorySegment word, int value);

    /**
     * Sleeps while the word has the value and the time has not come. May return early for no
     * reason.
     *
     * @param word four bytes, aligned, of memory that stays
     * @param value what the word is compared with
     * @param deadline when to return, by {@link System#nanoTime()}
     */
    public abstract void awaitUntil(MemorySegment word, int value, long deadline);

    /**
     * Wakes a thread that sleeps on the word, if there is one.
     *
     * @param word the word, changed before
     */
    public abstract void wake(MemorySegment word);

    /** Nanoseconds to a deadline; the clock of these systems is never negative. */
    private static long left(long deadline) {
        return deadline <= 0 ? 0 : deadline - System.nanoTime();
    }

    private static MethodHandle handle(
            SymbolLookup library, String name, FunctionDescriptor type, Linker.Option... options) {
        MemorySegment symbol =
                library.find(name).orElseThrow(() -> new UnsatisfiedLinkError("no symbol " + name));
        return Linker.nativeLinker().downcallHandle(symbol, type, options);
    }

    private static RuntimeException rethrow(Throwable t) {
        if (t instanceof Error e) {
            throw e;
        }
        throw new IllegalStateException("a native call threw", t); // it cannot
    }

    /** {@code futex(2)}, {@code FUTEX_WAIT_BITSET} for its absolute timeout. */
    private static final class Futex extends AddressWait {
        // linux/futex.h
        private static final int FUTEX_PRIVATE_FLAG = 128;
        private static final int FUTEX_WAKE = 1 | FUTEX_PRIVATE_FLAG;
        private static final int FUTEX_WAIT_BITSET = 9 | FUTEX_PRIVATE_FLAG;
        private static final int FUTEX_BITSET_MATCH_ANY = -1;

        private static final MethodHandle WAIT =
                handle(
                        Linker.nativeLinker().defaultLookup(),
                        "syscall",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS,
                                JAVA_INT),
                        Linker.Option.firstVariadicArg(1));
        private static final MethodHandle WAKE =
                handle(
                        Linker.nativeLinker().defaultLookup(),
                        "syscall",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT),
                        Linker.Option.firstVariadicArg(1));

        private final long number;

        Futex(long number) {
            this.number = number;
        }

        @Override
        public void await(MemorySegment word, int value) {
            waitFor(word, value, MemorySegment.NULL);
        }

        @Override
        public void awaitUntil(MemorySegment word, int value, long deadline) {
            // System.nanoTime is CLOCK_MONOTONIC, which the kernel compares with; never negative
            long due = Math.max(0, deadline);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment timespec = arena.allocate(16, 8);
                timespec.set(JAVA_LONG, 0, due / 1_000_000_000);
                timespec.set(JAVA_LONG, 8, due % 1_000_000_000);
                waitFor(word, value, timespec);
            }
        }

        private void waitFor(MemorySegment word, int value, MemorySegment timespec) {
            try {
                // EAGAIN, EINTR and ETIMEDOUT all mean that the caller looks for itself
                long _ =
                        (long)
                                WAIT.invokeExact(
                                        number,
                                        word,
                                        FUTEX_WAIT_BITSET,
                                        value,
                                        timespec,
                                        MemorySegment.NULL,
                                        FUTEX_BITSET_MATCH_ANY);
            } catch (Throwable t) {
                throw rethrow(t);
            }
        }

        @Override
        public void wake(MemorySegment word) {
            try {
                long _ = (long) WAKE.invokeExact(number, word, FUTEX_WAKE, 1);
            } catch (Throwable t) {
                throw rethrow(t);
            }
        }
    }

    /** {@code os/os_sync_wait_on_address.h}. */
    private static final class OsSync extends AddressWait {
        private static final long WORD_BYTES = 4;
        private static final int OS_SYNC_NONE = 0;
        private static final int OS_CLOCK_MACH_ABSOLUTE_TIME = 32;

        private final MethodHandle await =
                handle(
                        Linker.nativeLinker().defaultLookup(),
                        "os_sync_wait_on_address",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT));
        private final MethodHandle awaitWithTimeout =
                handle(
                        Linker.nativeLinker().defaultLookup(),
                        "os_sync_wait_on_address_with_timeout",
                        FunctionDescriptor.of(
                                JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT,
                                JAVA_LONG));
        private final MethodHandle wake =
                handle(
                        Linker.nativeLinker().defaultLookup(),
                        "os_sync_wake_by_address_any",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

        @Override
        public void await(MemorySegment word, int value) {
            try {
                int _ =
                        (int)
                                await.invokeExact(
                                        word,
                                        Integer.toUnsignedLong(value),
                                        WORD_BYTES,
                                        OS_SYNC_NONE);
            } catch (Throwable t) {
                throw rethrow(t);
            }
        }

        @Override
        public void awaitUntil(MemorySegment word, int value, long deadline) {
            long nanos = left(deadline);
            if (nanos <= 0) {
                return;
            }
            try {
                int _ =
                        (int)
                                awaitWithTimeout.invokeExact(
                                        word,
                                        Integer.toUnsignedLong(value),
                                        WORD_BYTES,
                                        OS_SYNC_NONE,
                                        OS_CLOCK_MACH_ABSOLUTE_TIME,
                                        nanos);
            } catch (Throwable t) {
                throw rethrow(t);
            }
        }

        @Override
        public void wake(MemorySegment word) {
            try {
                int _ = (int) wake.invokeExact(word, WORD_BYTES, OS_SYNC_NONE);
            } catch (Throwable t) {
                throw rethrow(t);
            }
        }
    }

    /** {@code synchapi.h}; timeouts are whole milliseconds there. */
    private static final class WindowsWait extends AddressWait {
        private static final long WORD_BYTES = 4;
        private static final int INFINITE = -1;
        private static final long MOST_MILLIS = 0xFFFF_FFFEL;

        private final SymbolLookup library =
                SymbolLookup.libraryLookup("KernelBase.dll", Arena.global());
        private final MethodHandle waitOnAddress =
                handle(
                        library,
                        "WaitOnAddress",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT));
        private final MethodHandle wakeByAddressSingle =
                handle(library, "WakeByAddressSingle", FunctionDescriptor.ofVoid(ADDRESS));

        @Override
        public void await(MemorySegment word, int value) {
            await(word, value, INFINITE);
        }

        @Override
        public void awaitUntil(MemorySegment word, int value, long deadline) {
            long nanos = left(deadline);
            if (nanos > 0) {
                long millis = nanos / 1_000_000 + (nanos % 1_000_000 == 0 ? 0 : 1);
                await(word, value, (int) Math.min(millis, MOST_MILLIS));
            }
        }

        private void await(MemorySegment word, int value, int millis) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment unwanted = arena.allocateFrom(JAVA_INT, value);
                int _ = (int) waitOnAddress.invokeExact(word, unwanted, WORD_BYTES, millis);
            } catch (Throwable t) {
                throw rethrow(t);
            }
        }

        @Override
        public void wake(MemorySegment word) {
            try {
                wakeByAddressSingle.invokeExact(word);
            } catch (Throwable t) {
                throw rethrow(t);
            }
        }
    }
}
