package cloud.avila.avx.internal.park;

import cloud.avila.avx.internal.sys.AddressWait;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.spi.AbstractSelectableChannel;
import java.nio.channels.spi.AbstractSelector;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/** Parks platform threads in the operating system's wait on an address, with a permit for each. */
final class AddressParker {
    /*
     * Overview.
     *
     * Each thread has a word of native memory:
     *
     *   FREE     neither parked nor a permit
     *   PERMIT   the next park returns at once
     *   PARKED   the thread sleeps, or is about to
     *
     *   FREE -> PARKED, PERMIT -> FREE    park: one subtraction does either
     *   any -> PERMIT                     unpark; wakes the thread if it found PARKED
     *   any -> FREE                       park, when it has slept
     *
     * All are atomic read-modify-writes, so of a park and an unpark one sees the other: the sleep
     * begins only while the word is PARKED, which the system checks in one step with going to sleep,
     * and an unpark changes the word before it wakes. Whatever the thread did not get to see as
     * PERMIT it is told by the wake-up.
     *
     * Interrupts wake through the hook that selectors have for it (AbstractSelector.begin): the JDK
     * calls wakeup when the thread is interrupted between begin and end, and in begin if it was.
     *
     * cells: one for each thread that ever parked or was unparked here; those of threads that have
     * ended are removed when as many again have been added. A cell's memory lives as long as the cell
     * is reachable, so an unpark that comes too late harms nobody.
     */

    private static final int FREE = 0;
    private static final int PERMIT = 1;
    private static final int PARKED = -1;

    private static final VarHandle WORD = ValueLayout.JAVA_INT.varHandle();

    private final AddressWait system;
    private final ConcurrentHashMap<Thread, Cell> cells = new ConcurrentHashMap<>();
    private volatile int sweepAt = 64;

    AddressParker(AddressWait system) {
        this.system = system;
    }

    /**
     * Waits for a permit, on a platform thread.
     *
     * @param deadline when to give up, if timed
     */
    void park(Object blocker, boolean timed, long deadline) {
        Thread thread = Thread.currentThread();
        if (thread.isInterrupted()) {
            return;
        }
        Cell cell = cellOf(thread);
        if ((int) WORD.getAndAdd(cell.word, 0L, -1) == PERMIT) {
            return;
        }
        LockSupport.setCurrentBlocker(blocker);
        try {
            cell.sleep(timed, deadline);
        } finally {
            LockSupport.setCurrentBlocker(null);
            WORD.getAndSet(cell.word, 0L, FREE);
            Reference.reachabilityFence(cell);
        }
    }

    void unpark(Thread thread) {
        cellOf(thread).unpark();
    }

    private Cell cellOf(Thread thread) {
        Cell known = cells.get(thread);
        if (known != null) {
            return known;
        }
        if (cells.size() >= sweepAt) {
            cells.keySet().removeIf(t -> t.getState() == Thread.State.TERMINATED);
            sweepAt = Math.max(64, 2 * cells.size());
        }
        return cells.computeIfAbsent(thread, _ -> new Cell());
    }

    /** For tests. */
    int cells() {
        return cells.size();
    }

    /** A thread's word, and the JDK's way to it for interrupts. */
    private final class Cell extends AbstractSelector {
        final MemorySegment word = Arena.ofAuto().allocate(ValueLayout.JAVA_INT);

        @SuppressWarnings("NullAway") // a selector that nobody registers with needs no provider
        Cell() {
            super(null);
        }

        void sleep(boolean timed, long deadline) {
            begin();
            try {
                if (timed) {
                    system.awaitUntil(word, PARKED, deadline);
                } else {
                    system.await(word, PARKED);
                }
            } finally {
                end();
            }
        }

        void unpark() {
            if ((int) WORD.getAndSet(word, 0L, PERMIT) == PARKED) {
                system.wake(word);
            }
            Reference.reachabilityFence(this);
        }

        @Override
        public Selector wakeup() {
            unpark();
            return this;
        }

        // --- the rest of a selector, which nobody can reach ---

        @Override
        protected void implCloseSelector() {}

        @Override
        protected SelectionKey register(
                AbstractSelectableChannel channel, int ops, @Nullable Object attachment) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Set<SelectionKey> keys() {
            return Set.of();
        }

        @Override
        public Set<SelectionKey> selectedKeys() {
            return Set.of();
        }

        @Override
        public int selectNow() throws IOException {
            return 0;
        }

        @Override
        public int select(long timeout) throws IOException {
            return 0;
        }

        @Override
        public int select() throws IOException {
            return 0;
        }
    }
}
