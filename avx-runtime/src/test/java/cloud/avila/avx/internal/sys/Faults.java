package cloud.avila.avx.internal.sys;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Which calls of a C library fail, and how: a binding for tests asks it before each call. Functions
 * have the names that the binding gives them, error numbers are those of Linux. Never blocks, since
 * it is asked in the middle of what must look like a system call.
 */
public final class Faults {
    private record Fault(int errno, int firstUse, int uses) {
        static final Fault NONE = new Fault(0, 0, 0);
    }

    private static final class Function {
        final AtomicInteger calls = new AtomicInteger();
        volatile Fault fault = Fault.NONE;
        volatile long most = Long.MAX_VALUE;
    }

    private final AtomicReference<Map<String, Function>> functions =
            new AtomicReference<>(Map.of());

    private Function of(String name) {
        for (; ; ) {
            Map<String, Function> known = functions.get();
            Function function = known.get(name);
            if (function != null) {
                return function;
            }
            var next = new HashMap<>(known);
            next.put(name, new Function());
            functions.compareAndSet(known, next);
        }
    }

    /** Lets the next uses of a function fail. */
    public void fail(String function, int errno, int uses) {
        of(function).fault = new Fault(errno, calls(function) + 1, uses);
    }

    /** Lets one use of a function fail, the n-th from the start. */
    public void failUse(String function, int errno, int use) {
        of(function).fault = new Fault(errno, use, 1);
    }

    /** Lets a function transfer so many bytes at most in one call. */
    public void shorten(String function, long most) {
        of(function).most = most;
    }

    /** How often a function was called, with and without a fault. */
    public int calls(String function) {
        return of(function).calls.get();
    }

    /** The negated error to return instead of making this call, or 0. */
    public int next(String name) {
        Function function = of(name);
        int use = function.calls.incrementAndGet();
        Fault fault = function.fault;
        return use >= fault.firstUse && use < (long) fault.firstUse + fault.uses ? -fault.errno : 0;
    }

    /** How many bytes this call may transfer. */
    public long length(String function, long wanted) {
        return Math.min(wanted, of(function).most);
    }
}
