package cloud.avila.avx.internal.fiber;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.util.concurrent.Executor;

/**
 * The members of {@code java.lang} that fibers need, as one way of access found them.
 *
 * <p>Checked against JDK 25, 26 and 27; where a member is missing the way counts as closed.
 *
 * @param newVirtualThread {@code ThreadBuilders.newVirtualThread(Executor, String, int, Runnable)}
 * @param currentCarrierThread {@code Thread.currentCarrierThread()}
 * @param defaultScheduler {@code VirtualThread.DEFAULT_SCHEDULER}
 * @param carrierThread {@code VirtualThread.carrierThread}
 * @param threadLocals {@code Thread.threadLocals}
 * @param inheritableThreadLocals {@code Thread.inheritableThreadLocals}
 */
record JdkHandles(
        MethodHandle newVirtualThread,
        MethodHandle currentCarrierThread,
        Executor defaultScheduler,
        VarHandle carrierThread,
        VarHandle threadLocals,
        VarHandle inheritableThreadLocals) {

    /** Through {@code --add-opens} or the manifest's {@code Add-Opens}; null if not opened. */
    static @Nullable JdkHandles opened() {
        try {
            Lookup caller = MethodHandles.lookup();
            return find(
                    MethodHandles.privateLookupIn(builders(), caller),
                    MethodHandles.privateLookupIn(Thread.class, caller),
                    MethodHandles.privateLookupIn(virtualThread(), caller));
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    /** Through {@code sun.misc.Unsafe}, for which the JDK prints a warning; null if denied. */
    static @Nullable JdkHandles unsafe() {
        try {
            Class<?> unsafeClass = Class.forName("sun.misc.Unsafe");
            Field instance = unsafeClass.getDeclaredField("theUnsafe");
            instance.setAccessible(true);
            Object unsafe = instance.get(null);
            Field trusted = Lookup.class.getDeclaredField("IMPL_LOOKUP");
            Object base =
                    unsafeClass.getMethod("staticFieldBase", Field.class).invoke(unsafe, trusted);
            Object offset =
                    unsafeClass.getMethod("staticFieldOffset", Field.class).invoke(unsafe, trusted);
            Lookup lookup =
                    (Lookup)
                            unsafeClass
                                    .getMethod("getObject", Object.class, long.class)
                                    .invoke(unsafe, base, offset);
            return find(lookup.in(builders()), lookup.in(Thread.class), lookup.in(virtualThread()));
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null;
        }
    }

    private static Class<?> builders() throws ClassNotFoundException {
        return Class.forName("java.lang.ThreadBuilders");
    }

    private static Class<?> virtualThread() throws ClassNotFoundException {
        return Class.forName("java.lang.VirtualThread");
    }

    private static JdkHandles find(Lookup builders, Lookup thread, Lookup virtualThread)
            throws ReflectiveOperationException {
        MethodHandle create =
                builders.findStatic(
                        builders.lookupClass(),
                        "newVirtualThread",
                        MethodType.methodType(
                                Thread.class,
                                Executor.class,
                                String.class,
                                int.class,
                                Runnable.class));
        MethodHandle carrier =
                thread.findStatic(
                        Thread.class, "currentCarrierThread", MethodType.methodType(Thread.class));
        Class<?> owner = virtualThread.lookupClass();
        Field scheduler = owner.getDeclaredField("DEFAULT_SCHEDULER");
        Object jdk =
                virtualThread
                        .findStaticVarHandle(owner, scheduler.getName(), scheduler.getType())
                        .get();
        VarHandle mountedOn = virtualThread.findVarHandle(owner, "carrierThread", Thread.class);
        Class<?> map = Class.forName("java.lang.ThreadLocal$ThreadLocalMap");
        return new JdkHandles(
                create,
                carrier,
                (Executor) jdk,
                mountedOn,
                thread.findVarHandle(Thread.class, "threadLocals", map),
                thread.findVarHandle(Thread.class, "inheritableThreadLocals", map));
    }
}
