package cloud.avila.avx.internal.fiber;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;

/**
 * What a simulation has to know of a virtual thread that the JDK does not tell: whether it waits
 * for a monitor, whether the JDK is about to wake it, where its random numbers begin. Needs {@code
 * java.lang} open, which the simulation's agent sees to.
 */
public final class FiberInternals {
    private static final int BLOCKING = 12;
    private static final int BLOCKED = 13;
    private static final int UNBLOCKED = 14;
    private static final int TIMED_WAIT = 18;

    private static final VarHandle STATE;
    private static final VarHandle ON_WAITING_LIST;
    private static final VarHandle CONTINUATION;
    private static final VarHandle RANDOM_SEED;
    private static final VarHandle RANDOM_PROBE;

    static {
        try {
            Lookup caller = MethodHandles.lookup();
            Class<?> type = Class.forName("java.lang.VirtualThread");
            Lookup virtual = MethodHandles.privateLookupIn(type, caller);
            STATE = virtual.findVarHandle(type, "state", int.class);
            ON_WAITING_LIST = virtual.findVarHandle(type, "onWaitingList", boolean.class);
            CONTINUATION = virtual.findVarHandle(type, "runContinuation", Runnable.class);
            Lookup thread = MethodHandles.privateLookupIn(Thread.class, caller);
            RANDOM_SEED = thread.findVarHandle(Thread.class, "threadLocalRandomSeed", long.class);
            RANDOM_PROBE = thread.findVarHandle(Thread.class, "threadLocalRandomProbe", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private FiberInternals() {}

    /**
     * Whether a virtual thread has given its carrier back because of a monitor: it waits to enter
     * one, or to be notified.
     *
     * @param thread a virtual thread that is not mounted
     * @return true if it has
     */
    public static boolean waitsForMonitor(Thread thread) {
        int state = (int) STATE.getVolatile(thread);
        return state >= BLOCKING && state <= TIMED_WAIT;
    }

    /**
     * Whether somebody else's leaving of a monitor may wake a virtual thread: it waits to enter
     * one, or is just being woken.
     *
     * @param thread a virtual thread that is not mounted
     * @return true if it may
     */
    public static boolean waitsToEnter(Thread thread) {
        int state = (int) STATE.getVolatile(thread);
        return state >= BLOCKING && state <= UNBLOCKED;
    }

    /**
     * Whether the JDK has not woken a virtual thread yet that can enter its monitor now.
     *
     * @param thread a virtual thread that {@link #waitsToEnter}
     * @return true if it is on its way: still in the list of the JDK's unblocker, or out of it and
     *     not yet handed to its scheduler
     */
    public static boolean isBeingUnblocked(Thread thread) {
        return (boolean) ON_WAITING_LIST.getVolatile(thread)
                || (int) STATE.getVolatile(thread) != BLOCKED;
    }

    /** Found once: to look at all threads takes a millisecond. */
    private static final class Unblocker {
        static final @Nullable Thread THREAD = find();
    }

    /**
     * The JDK's thread that wakes virtual threads when a monitor is left.
     *
     * @return the thread, or null if this JDK has none
     */
    public static @Nullable Thread unblocker() {
        return Unblocker.THREAD;
    }

    private static @Nullable Thread find() {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("VirtualThread-unblocker")) {
                return thread;
            }
        }
        return null;
    }

    /**
     * Whether the unblocker has woken all that it has taken from its list.
     *
     * @param unblocker what {@link #unblocker()} returned
     * @return true if it waits for more
     */
    public static boolean isIdle(Thread unblocker) {
        StackTraceElement[] stack = unblocker.getStackTrace();
        return stack.length > 0
                && stack[0].getMethodName().equals("takeVirtualThreadListToUnblock");
    }

    /**
     * Sets where the random numbers of {@link java.util.concurrent.ThreadLocalRandom} begin on a
     * thread.
     *
     * @param thread a thread that has not started
     * @param seed the beginning
     */
    public static void seedRandom(Thread thread, long seed) {
        RANDOM_SEED.set(thread, seed);
        RANDOM_PROBE.set(thread, (int) seed | 1);
    }

    /**
     * What a virtual thread gives its scheduler to run.
     *
     * @param thread a virtual thread
     * @return its continuation, the same at all times
     */
    public static Runnable continuationOf(Thread thread) {
        return (Runnable) CONTINUATION.get(thread);
    }

    /**
     * The virtual thread that a continuation belongs to, for threads that others made.
     *
     * @param continuation what a scheduler was given to run
     * @return the thread, or null if it cannot be told
     */
    public static @Nullable Thread threadOf(Runnable continuation) {
        try {
            for (Field field : continuation.getClass().getDeclaredFields()) {
                if (Thread.class.isAssignableFrom(field.getType())) {
                    field.setAccessible(true);
                    return (Thread) field.get(continuation);
                }
            }
            return null;
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null; // only a name in messages depends on it
        }
    }
}
