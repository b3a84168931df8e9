package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxUring;
import cloud.avila.avx.internal.sys.NativeScratch;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * io_uring with faults: chosen calls fail with a chosen error instead of being made, and chosen
 * completions of sockets carry a chosen result. Counts calls and the memory that is mapped.
 */
class FaultyUring extends LinuxUring {
    private record Fault(int errno, int firstUse, int uses) {
        boolean hits(int use) {
            return use >= firstUse && use < firstUse + uses;
        }
    }

    private final Map<String, Fault> faults = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();
    final AtomicLong mapped = new AtomicLong();

    /** While this is set, who takes a completion with data waits for {@link #goOn}. */
    volatile boolean stops;

    final CountDownLatch stopped = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);

    /** Flags of setup that this kernel does not know. */
    int unknownFlags;

    /** Features that this kernel has not. */
    int missingFeatures;

    /** Lets uses of a function fail, from the n-th from the start. */
    final void fail(String function, int errno, int firstUse, int uses) {
        faults.put(function, new Fault(errno, firstUse, uses));
    }

    /** Lets the next uses of a function fail. */
    final void failNext(String function, int errno, int uses) {
        fail(function, errno, calls(function) + 1, uses);
    }

    final int calls(String function) {
        return calls.computeIfAbsent(function, f -> new AtomicInteger()).get();
    }

    /** The error to return instead of calling, or 0. */
    private int fault(String function) {
        int use = calls.computeIfAbsent(function, f -> new AtomicInteger()).incrementAndGet();
        Fault fault = faults.get(function);
        return fault != null && fault.hits(use) ? -fault.errno : 0;
    }

    @Override
    public int setup(NativeScratch scratch, int entries, MemorySegment params) {
        int fault = fault("setup");
        if (fault != 0) {
            return fault;
        }
        int flags = params.get(java.lang.foreign.ValueLayout.JAVA_INT, PARAMS_FLAGS);
        if ((flags & unknownFlags) != 0) {
            return -LinuxErrno.EINVAL;
        }
        int fd = super.setup(scratch, entries, params);
        int features = params.get(java.lang.foreign.ValueLayout.JAVA_INT, PARAMS_FEATURES);
        params.set(
                java.lang.foreign.ValueLayout.JAVA_INT,
                PARAMS_FEATURES,
                features & ~missingFeatures);
        return fd;
    }

    @Override
    public int enter(
            NativeScratch scratch,
            int fd,
            int submit,
            int complete,
            int flags,
            MemorySegment argument) {
        int fault = fault("enter");
        return fault != 0 ? fault : super.enter(scratch, fd, submit, complete, flags, argument);
    }

    @Override
    public int register(
            NativeScratch scratch, int fd, int operation, MemorySegment argument, int count) {
        int fault = fault("register");
        return fault != 0 ? fault : super.register(scratch, fd, operation, argument, count);
    }

    @Override
    public long map(NativeScratch scratch, int fd, long offset, long bytes) {
        int fault = fault("map");
        return fault != 0 ? fault : counted(super.map(scratch, fd, offset, bytes), bytes);
    }

    @Override
    public long pages(NativeScratch scratch, long bytes) {
        int fault = fault("pages");
        return fault != 0 ? fault : counted(super.pages(scratch, bytes), bytes);
    }

    private long counted(long address, long bytes) {
        if (address >= 0) {
            mapped.addAndGet(bytes);
        }
        return address;
    }

    @Override
    public int unmap(NativeScratch scratch, long address, long bytes) {
        mapped.addAndGet(-bytes);
        return super.unmap(scratch, address, bytes);
    }

    @Override
    public int result(long userData, int result) {
        if ((int) userData >= 0 && stops) {
            stopped.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        if ((int) userData < 0 || result > 0) {
            return result; // what has been received cannot be made undone
        }
        int fault = fault("result");
        return fault != 0 ? fault : result;
    }
}
