package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** Looks at the handles of this process. */
final class WindowsHandles {
    private static final int SOL_SOCKET = 0xFFFF;
    private static final int SO_TYPE = 0x1008;
    private static final int HIGHEST = 1 << 16;

    private static final MethodHandle GET_CURRENT_PROCESS =
            bind("kernel32", "GetCurrentProcess", FunctionDescriptor.of(JAVA_LONG));
    private static final MethodHandle GET_PROCESS_HANDLE_COUNT =
            bind(
                    "kernel32",
                    "GetProcessHandleCount",
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle GET_HANDLE_INFORMATION =
            bind(
                    "kernel32",
                    "GetHandleInformation",
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle GETSOCKOPT =
            bind(
                    "ws2_32",
                    "getsockopt",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

    private WindowsHandles() {}

    private static MethodHandle bind(String library, String name, FunctionDescriptor type) {
        return Linker.nativeLinker()
                .downcallHandle(
                        SymbolLookup.libraryLookup(library + ".dll", Arena.global())
                                .findOrThrow(name),
                        type);
    }

    /** The sockets among them: those that have a socket's type. */
    static long sockets() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_LONG);
            MemorySegment length = arena.allocate(JAVA_INT);
            int all =
                    (int)
                                            GET_PROCESS_HANDLE_COUNT.invokeExact(
                                                    (long) GET_CURRENT_PROCESS.invokeExact(), value)
                                    != 0
                            ? value.get(JAVA_INT, 0)
                            : HIGHEST;
            long sockets = 0;
            int seen = 0;
            for (long handle = 4; seen < all && handle < HIGHEST; handle += 4) {
                if ((int) GET_HANDLE_INFORMATION.invokeExact(handle, value) != 0) {
                    seen++;
                    length.set(JAVA_INT, 0, Integer.BYTES);
                    int result =
                            (int)
                                    GETSOCKOPT.invokeExact(
                                            handle, SOL_SOCKET, SO_TYPE, value, length);
                    sockets += result == 0 ? 1 : 0;
                }
            }
            return sockets;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Whether this is Wine, whose ntdll says so. */
    static boolean isWine() {
        return SymbolLookup.libraryLookup("ntdll.dll", Arena.global())
                .find("wine_get_version")
                .isPresent();
    }
}
