package cloud.avila.avx.internal.sys;

import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicBoolean;

/** The way to the bindings; says clearly why there are none. */
public final class NativeAccess {
    private static final AtomicBoolean TOLD = new AtomicBoolean();

    private NativeAccess() {}

    private static boolean isEnabled() {
        return NativeAccess.class.getModule().isNativeAccessEnabled();
    }

    /**
     * Says once what to do about the warning that the JDK has just printed, and to the standard
     * error only. The warning enables native access, so whether it was enabled is asked before.
     */
    private static <T> T told(boolean wasEnabled, T binding) {
        if (!wasEnabled && TOLD.compareAndSet(false, true)) {
            System.getLogger(NativeAccess.class.getName())
                    .log(
                            Level.INFO,
                            "native access is not enabled for AVX, and sockets need it: this JDK"
                                    + " warns, a later one will refuse; start the JVM with"
                                    + " --enable-native-access=ALL-UNNAMED, or set"
                                    + " Enable-Native-Access: ALL-UNNAMED in the manifest of its"
                                    + " jar");
        }
        return binding;
    }

    /**
     * The binding to the C library of Linux.
     *
     * @return the one instance
     * @throws UnsupportedOperationException if this is not Linux on x86-64 or aarch64, or native
     *     access is denied to the runtime; the message says what to do
     */
    public static LinuxLibc linux() {
        return linux(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    /**
     * The binding to io_uring. That there is one does not mean that the kernel has it.
     *
     * @return the one instance
     * @throws UnsupportedOperationException as {@link #linux()}
     */
    public static LinuxUring linuxUring() {
        linux();
        return LinuxUring.instance();
    }

    static LinuxLibc linux(String os, String arch) {
        if (!os.equals("Linux") || !(arch.equals("amd64") || arch.equals("aarch64"))) {
            throw new UnsupportedOperationException(
                    "sockets need native calls, and there are bindings for Linux on amd64 and"
                            + " aarch64 only, not for "
                            + os
                            + " on "
                            + arch);
        }
        boolean enabled = isEnabled();
        try {
            return told(enabled, LinuxLibc.instance());
        } catch (LinkageError e) {
            throw denied(e);
        }
    }

    /**
     * The binding to the calls of Windows.
     *
     * @return the one instance
     * @throws UnsupportedOperationException if this is not Windows on x86-64 or aarch64, or native
     *     access is denied to the runtime; the message says what to do
     */
    public static Winsock windows() {
        return windows(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    static Winsock windows(String os, String arch) {
        if (!os.startsWith("Windows") || !(arch.equals("amd64") || arch.equals("aarch64"))) {
            throw new UnsupportedOperationException(
                    "I/O completion ports are of Windows on amd64 and aarch64, this is "
                            + os
                            + " on "
                            + arch);
        }
        boolean enabled = isEnabled();
        try {
            return told(enabled, Winsock.instance());
        } catch (LinkageError | IllegalCallerException e) {
            throw denied(e);
        }
    }

    /**
     * The binding to the C library of macOS.
     *
     * @return the one instance
     * @throws UnsupportedOperationException if this is not macOS on x86-64 or arm64, or native
     *     access is denied to the runtime; the message says what to do
     */
    public static DarwinLibc darwin() {
        return darwin(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    static DarwinLibc darwin(String os, String arch) {
        if (!os.startsWith("Mac") || !(arch.equals("x86_64") || arch.equals("aarch64"))) {
            throw new UnsupportedOperationException(
                    "kqueue needs macOS on x86_64 or aarch64; this is " + os + " on " + arch);
        }
        boolean enabled = isEnabled();
        try {
            return told(enabled, DarwinLibc.instance());
        } catch (LinkageError e) {
            throw denied(e);
        }
    }

    /** The class could not be initialised: nearly always because native access is denied. */
    static UnsupportedOperationException denied(Throwable e) {
        return new UnsupportedOperationException(
                "sockets need native calls, and binding them failed; if native access is denied,"
                        + " start java with --enable-native-access=ALL-UNNAMED (on the module path"
                        + " --enable-native-access=cloud.avila.avx.runtime)",
                e);
    }
}
