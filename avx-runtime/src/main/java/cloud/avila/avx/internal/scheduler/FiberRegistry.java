package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.park.ShortLocks;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Knows every runner of a runtime, and every task that has a thread of its own or runs in steps, so
 * that what is live can be listed, and interrupted at the end. Fibers that wait to start are found
 * in the queues.
 */
final class FiberRegistry {
    /*
     * Overview.
     *
     * One stripe for each worker and one for all other threads. A stripe is an array of slots; an
     * entry is put into a free slot of the putter's stripe and remembers stripe and slot, and
     * whoever ends it clears that slot. Only the stripe's owner puts (for the shared stripe: the
     * holder of its lock), so finding a slot needs no compare-and-set: the owner looks on from where
     * it last found one, and doubles the array when it has looked at as many slots as there are;
     * then at least half of them are free for the next round, which keeps the search short.
     *
     * field   writer                   mode
     * slots   owner                    volatile reference
     * slot    owner (task), ender (null)   release; volatile
     * cursor  owner                    plain
     *
     * Why the orders suffice: the one race is between growing and clearing. The owner copies a slot
     * and publishes the new array, then looks at every old slot again; the ender clears the slot in
     * the array it sees, then looks whether the array is still that one. All four are volatile
     * accesses, so of the two second looks at least one sees what the other did, and the cleared
     * task does not stay behind in the new array. Putting a task takes no part in that race: its
     * ender runs after its start, and the start after the put.
     */

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Entry[].class);

    private final int length;
    private volatile Stripe[] stripes; // the shared one, then one for each worker
    private final ReentrantLock sharedLock = new ReentrantLock();

    /** Something that is a live task, or has one. */
    abstract static class Entry {
        // written once, before the entry is published
        private @Nullable Stripe stripe;
        private int slot;

        /** The live task, if there is one at the moment. */
        abstract @Nullable TrackedTask task();
    }

    private static final class Stripe {
        volatile @Nullable Entry[] slots;
        int cursor;

        Stripe(int length) {
            slots = new Entry[length];
        }

        void put(Entry entry) {
            @Nullable Entry[] a = slots;
            int mask = a.length - 1;
            int i = cursor;
            for (int looked = 0; looked <= mask; looked++) {
                i = (i + 1) & mask;
                if (SLOT.getOpaque(a, i) == null) {
                    place(entry, a, i);
                    return;
                }
            }
            place(entry, grow(a), a.length);
        }

        private void place(Entry entry, @Nullable Entry[] a, int i) {
            cursor = i;
            entry.stripe = this;
            entry.slot = i;
            SLOT.setRelease(a, i, entry);
        }

        private @Nullable Entry[] grow(@Nullable Entry[] old) {
            @Nullable Entry[] bigger = Arrays.copyOf(old, Math.multiplyExact(old.length, 2));
            slots = bigger;
            for (int i = 0; i < old.length; i++) {
                if (SLOT.getVolatile(old, i) == null) {
                    SLOT.setVolatile(bigger, i, null);
                }
            }
            return bigger;
        }

        void clear(int i) {
            @Nullable Entry[] a;
            do {
                a = slots;
                SLOT.setVolatile(a, i, null);
            } while (a != slots);
        }
    }

    FiberRegistry() {
        this(64);
    }

    /**
     * @param length of a stripe at first, a power of two; tests make it small to see it grow
     */
    FiberRegistry(int length) {
        this.length = length;
        stripes = new Stripe[] {new Stripe(length)};
    }

    /** Makes room for as many workers; one thread at a time. */
    void grow(int workers) {
        Stripe[] more = Arrays.copyOf(stripes, Math.max(stripes.length, workers + 1));
        for (int i = stripes.length; i < more.length; i++) {
            more[i] = new Stripe(length);
        }
        stripes = more;
    }

    /**
     * Adds a task.
     *
     * @param worker the number of the worker whose slot the caller has, or -1
     */
    void add(Entry entry, int worker) {
        if (worker >= 0) {
            stripes[worker + 1].put(entry);
            return;
        }
        ShortLocks.acquire(sharedLock);
        try {
            stripes[0].put(entry);
        } finally {
            sharedLock.unlock();
        }
    }

    /** Removes a task. Any thread, once. */
    void remove(Entry entry) {
        Objects.requireNonNull(entry.stripe).clear(entry.slot);
    }

    /** Visits the tasks of the entries that are there throughout; others may be missed or met. */
    void forEach(Consumer<TrackedTask> visitor) {
        for (Stripe stripe : stripes) {
            @Nullable Entry[] a = stripe.slots;
            for (int i = 0; i < a.length; i++) {
                Entry entry = (Entry) SLOT.getAcquire(a, i);
                TrackedTask task = entry == null ? null : entry.task();
                if (task != null) {
                    visitor.accept(task);
                }
            }
        }
    }
}
