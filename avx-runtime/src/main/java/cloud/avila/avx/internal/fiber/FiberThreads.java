package cloud.avila.avx.internal.fiber;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.concurrent.Executor;

/**
 * Makes virtual threads that run on a {@link FiberScheduler}, by the best access the JDK grants.
 *
 * <p>The handles of each way of access are constants of a class of their own: so the JIT folds
 * them, and the way through {@code Unsafe}, which prints a warning, is tried only when asked for.
 */
public final class FiberThreads {
    /** How virtual threads get onto a scheduler of ours. */
    public enum Access {
        /** The package {@code java.lang} is open to us. */
        OPENED("workers-opened"),
        /** Through {@code sun.misc.Unsafe}. */
        UNSAFE("workers-unsafe"),
        /** Not at all: fibers run on the JDK's scheduler. */
        JDK("jdk");

        private final String label;

        Access(String label) {
            this.label = label;
        }

        /**
         * The name shown in metrics.
         *
         * @return a short lower-case name
         */
        public String label() {
            return label;
        }
    }

    private static final class Opened {
        static final @Nullable JdkHandles HANDLES = JdkHandles.opened();
        static final boolean PRESENT = HANDLES != null;
        static final @Nullable MethodHandle CREATE =
                HANDLES == null ? null : HANDLES.newVirtualThread();
        static final @Nullable MethodHandle CARRIER =
                HANDLES == null ? null : HANDLES.currentCarrierThread();
        static final @Nullable VarHandle LOCALS =
                HANDLES == null ? null : HANDLES.threadLocals().withInvokeBehavior();
        static final @Nullable VarHandle INHERITABLE =
                HANDLES == null ? null : HANDLES.inheritableThreadLocals().withInvokeBehavior();
    }

    private static final class ByUnsafe {
        static final @Nullable JdkHandles HANDLES = JdkHandles.unsafe();
        static final @Nullable MethodHandle CREATE =
                HANDLES == null ? null : HANDLES.newVirtualThread();
        static final @Nullable MethodHandle CARRIER =
                HANDLES == null ? null : HANDLES.currentCarrierThread();
        static final @Nullable VarHandle LOCALS =
                HANDLES == null ? null : HANDLES.threadLocals().withInvokeBehavior();
        static final @Nullable VarHandle INHERITABLE =
                HANDLES == null ? null : HANDLES.inheritableThreadLocals().withInvokeBehavior();
    }

    // set before the first worker of a runtime with that access starts, never unset
    private static boolean unsafeInUse;

    private FiberThreads() {}

    /**
     * Finds the best access.
     *
     * @param allowUnsafe whether to go through {@code sun.misc.Unsafe} if {@code java.lang} is not
     *     open
     * @return the access to use
     */
    public static Access resolve(boolean allowUnsafe) {
        if (Opened.PRESENT) {
            return Access.OPENED;
        }
        if (allowUnsafe && ByUnsafe.HANDLES != null) {
            unsafeInUse = true;
            return Access.UNSAFE;
        }
        return Access.JDK;
    }

    /**
     * Makes a virtual thread, not started.
     *
     * @param access how; not {@link Access#JDK}
     * @param scheduler runs its continuations
     * @param name its name, or null for none
     * @param task what it runs
     * @return the thread
     */
    @SuppressWarnings("NullAway") // the handles are there: access came from resolve
    public static Thread unstarted(
            Access access, FiberScheduler scheduler, @Nullable String name, Runnable task) {
        try {
            return access == Access.OPENED
                    ? (Thread) Opened.CREATE.invokeExact((Executor) scheduler, name, 0, task)
                    : (Thread) ByUnsafe.CREATE.invokeExact((Executor) scheduler, name, 0, task);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Brings the calling virtual thread back to the state of a new one: no thread-locals, not
     * interrupted, no name, no handler of uncaught exceptions of its own, the given class loader. A
     * permit to park that it may hold stays: the next park may return at once.
     *
     * @param access how; not {@link Access#JDK}
     * @param thread the calling thread
     * @param loader its context class loader from now on
     */
    @SuppressWarnings("NullAway") // the handles are there: access came from resolve
    public static void clean(Access access, Thread thread, @Nullable ClassLoader loader) {
        VarHandle locals = access == Access.OPENED ? Opened.LOCALS : ByUnsafe.LOCALS;
        VarHandle inheritable = access == Access.OPENED ? Opened.INHERITABLE : ByUnsafe.INHERITABLE;
        if ((Object) locals.get(thread) != null) {
            locals.set(thread, (Object) null);
        }
        if ((Object) inheritable.get(thread) != null) {
            inheritable.set(thread, (Object) null);
        }
        if (thread.isInterrupted()) {
            Thread.interrupted();
        }
        if (thread.getContextClassLoader() != loader) {
            thread.setContextClassLoader(loader);
        }
        if (!thread.getName().isEmpty()) {
            thread.setName("");
        }
        if (thread.getUncaughtExceptionHandler() != thread.getThreadGroup()) {
            thread.setUncaughtExceptionHandler(null);
        }
    }

    /**
     * The JDK's own scheduler of virtual threads, which takes over what a closed runtime leaves.
     *
     * @return the scheduler
     */
    @SuppressWarnings("NullAway") // asked only by runtimes whose access is not JDK
    public static Executor jdkScheduler() {
        return Opened.PRESENT
                ? Opened.HANDLES.defaultScheduler()
                : ByUnsafe.HANDLES.defaultScheduler();
    }

    /**
     * Whether a virtual thread is mounted on a carrier right now.
     *
     * @param thread any thread
     * @param carrier a platform thread
     * @return true if it is; false for a platform thread, and where the JDK does not let us see
     */
    public static boolean isMounted(Thread thread, Thread carrier) {
        return carrierOf(thread) == carrier;
    }

    /**
     * Whether {@link #carrierOf} knows.
     *
     * @return false where the JDK does not let us see carriers
     */
    public static boolean carriersVisible() {
        return Opened.PRESENT || unsafeInUse;
    }

    /**
     * The carrier on which a virtual thread is mounted right now.
     *
     * @param thread any thread
     * @return the platform thread; null if it is not mounted, for a platform thread, and where the
     *     JDK does not let us see
     */
    public static @Nullable Thread carrierOf(Thread thread) {
        JdkHandles handles =
                Opened.PRESENT ? Opened.HANDLES : unsafeInUse ? ByUnsafe.HANDLES : null;
        return handles != null && thread.isVirtual()
                ? (Thread) handles.carrierThread().getVolatile(thread)
                : null;
    }

    @SuppressWarnings("NullAway") // PRESENT and unsafeInUse say that the handles are there
    static Thread carrier() {
        try {
            if (Opened.PRESENT) {
                return (Thread) Opened.CARRIER.invokeExact();
            }
            return unsafeInUse ? (Thread) ByUnsafe.CARRIER.invokeExact() : Thread.currentThread();
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static RuntimeException unexpected(Throwable e) {
        if (e instanceof RuntimeException r) {
            return r;
        }
        if (e instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("java.lang's virtual-thread hooks failed", e);
    }
}
