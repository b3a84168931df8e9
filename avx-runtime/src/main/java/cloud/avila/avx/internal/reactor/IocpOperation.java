package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.sys.Winsock;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A place for one operation that the system carries out on its own time: a socket has one for each
 * direction, and uses it again and again.
 *
 * <h2>Life</h2>
 *
 * <pre>
 *   FREE ---> PENDING ---> DONE ---> FREE
 *     \          |           |        |
 *      `---------+-----------+--------+---> ABANDONED
 * </pre>
 *
 * <p>Whoever brings it from FREE to PENDING, by compare-and-set, and nobody else, fills the block
 * and calls the system. The poller brings it to DONE when the port reports it; so does the caller
 * if the system did it at once and will not report it. The receiver, of which there is one at a
 * time, takes the result and makes it FREE. When the socket is destroyed, it is ABANDONED.
 *
 * <p>The invariant is that the system's memory has one owner. In PENDING it is the system: nobody
 * reads or writes it, and it is given back by nobody. In DONE and FREE it is the socket, which uses
 * it only under a hold, so not after {@code destroy}. At the end both the poller and the destroyer
 * exchange the state; the one that comes second sees the other's and gives the memory back: the
 * destroyer, unless it found PENDING; the poller, if it found ABANDONED.
 *
 * <p>So no operation is ever cancelled for a timeout or an interrupt. The waiting thread leaves;
 * the operation stays, and what it brings is there for the next one. A thread does not wait for the
 * system to give memory back either, as none of it is the caller's.
 *
 * <h2>Fields</h2>
 *
 * <ul>
 *   <li>{@code state}: as above, atomic exchanges; reads are volatile, so who sees DONE sees what
 *       the poller and, through the port, the system wrote before.
 *   <li>{@code waiter}: written by the waiting thread, volatile, before it looks at the state once
 *       more; read by the poller after it changed the state. Both pairs are sequentially
 *       consistent, so either the waiter sees the state or the poller the waiter. {@code nudged}
 *       and the closed bit of the socket do the same for shutting down input and closing.
 *   <li>{@code action}: exchanged, so it runs at most once.
 *   <li>{@code block}, {@code buffer}: written by the one who has PENDING or a hold.
 * </ul>
 */
final class IocpOperation {
    private static final int FREE = 0;
    private static final int PENDING = 1;
    private static final int DONE = 2;
    private static final int ABANDONED = 3;

    private static final VarHandle STATE;
    private static final VarHandle ACTION;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(IocpOperation.class, "state", int.class);
            ACTION = lookup.findVarHandle(IocpOperation.class, "action", Runnable.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final IocpDriver driver;
    private volatile int state;
    private volatile @Nullable Thread waiter;
    private volatile boolean nudged;

    @SuppressWarnings("UnusedVariable") // through ACTION
    private volatile @Nullable Runnable action;

    private @Nullable MemorySegment block;
    private @Nullable MemorySegment buffer;

    /** The socket of an AcceptEx, until somebody takes it; -1 for none. */
    private long accepting = -1;

    IocpOperation(IocpDriver driver) {
        this.driver = driver;
    }

    // ---- beginning, by the one who may ----

    /** Whether the caller may begin now, and has to call one of the three that follow. */
    boolean tryBegin() {
        return STATE.compareAndSet(this, FREE, PENDING);
    }

    /** The block, with a clean OVERLAPPED; between tryBegin and calling the system. */
    MemorySegment block() {
        MemorySegment known = block;
        if (known == null) {
            block = known = driver.memory.attach(this);
        }
        known.asSlice(0, Winsock.OVERLAPPED_BYTES).fill((byte) 0);
        return known;
    }

    /** A buffer of this operation with as many bytes; it stays with it. */
    MemorySegment buffer(int bytes) {
        MemorySegment known = buffer;
        if (known == null) {
            buffer = known = driver.memory.takeBuffer(bytes);
        }
        return known;
    }

    /** Remembers the new socket that becomes the connection. */
    void accepting(long socket) {
        accepting = socket;
    }

    /** What the system did: the port will report it, or it has ended and the port will not. */
    void begun(boolean reported) {
        if (!reported) {
            completed();
        }
    }

    /** The system refused it. */
    void refused() {
        state = FREE; // only the beginner has it
        Parker.unpark(waiter);
        run();
    }

    // ---- the end ----

    /** By the poller: the port has reported it. */
    void completed() {
        if ((int) STATE.getAndSet(this, DONE) == ABANDONED) {
            giveBack();
            return;
        }
        Parker.unpark(waiter);
        run();
    }

    /** By the one that destroys the socket, after its handle was closed. */
    void abandon() {
        if ((int) STATE.getAndSet(this, ABANDONED) != PENDING) {
            giveBack();
        }
    }

    private void giveBack() {
        long socket = accepting;
        if (socket >= 0) {
            accepting = -1;
            driver.discard(socket);
        }
        if (buffer != null) {
            driver.memory.giveBuffer(buffer);
            buffer = null;
        }
        if (block != null) {
            driver.memory.detach(block);
            block = null;
        }
    }

    /** Whether the system may still write to the memory. */
    boolean isWithSystem() {
        int now = state;
        return now == PENDING || now == ABANDONED;
    }

    // ---- results, by the one receiver, under a hold ----

    boolean isFree() {
        return state == FREE;
    }

    boolean isPending() {
        return state == PENDING;
    }

    boolean isDone() {
        return state == DONE;
    }

    /** The status, 0 for success; once it is done. */
    int status() {
        return doneBlock().get(ValueLayout.JAVA_INT, 0);
    }

    /** The bytes transferred; once it is done. */
    int bytes() {
        return (int) doneBlock().get(ValueLayout.JAVA_LONG, Long.BYTES);
    }

    MemorySegment doneBlock() {
        if (block == null) {
            throw new IllegalStateException("nothing was begun");
        }
        return block;
    }

    MemorySegment doneBuffer() {
        if (buffer == null) {
            throw new IllegalStateException("nothing was received");
        }
        return buffer;
    }

    /** Takes the socket that AcceptEx has connected. */
    long takeAccepted() {
        long socket = accepting;
        accepting = -1;
        return socket;
    }

    /** The result has been taken. */
    void taken() {
        STATE.compareAndSet(this, DONE, FREE);
    }

    // ---- waiting ----

    @Nullable Thread waiter() {
        return waiter;
    }

    void waiter(@Nullable Thread thread) {
        waiter = thread;
    }

    /** Whether a wait should end for a reason of its own; once. */
    boolean takeNudge() {
        if (!nudged) {
            return false;
        }
        nudged = false;
        return true;
    }

    /** Makes who waits look around. */
    void nudge() {
        nudged = true;
        wake();
    }

    /** Makes who waits look whether the socket is closed. */
    void wake() {
        Parker.unpark(waiter);
        run();
    }

    /** Keeps an action for the end of the operation; null keeps none. */
    void action(@Nullable Runnable next) {
        ACTION.setVolatile(this, next);
    }

    /** Takes an action back; false if it has run or another is there. */
    boolean withdraw(Runnable kept) {
        return ACTION.compareAndSet(this, kept, null);
    }

    private void run() {
        var kept = (Runnable) ACTION.getAndSet(this, (Runnable) null);
        if (kept != null) {
            kept.run();
        }
    }
}
