package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** Knows every live task of a runtime, so that it can be listed, and interrupted at the end. */
final class FiberRegistry {
    /*
     * Overview.
     *
     * One stripe for each worker and one for all other threads. A stripe is an array of slots; a
     * task is put into a free slot of its spawner's stripe and remembers stripe and slot, and
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

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(TrackedTask[].class);

    private volatile Stripe[] stripes; // the shared one, then one for each worker
    private final ReentrantLock sharedLock = new ReentrantLock();

    static final class Stripe {
        volatile @Nullable TrackedTask[] slots = new TrackedTask[64];
        int cursor;

        void put(TrackedTask task) {
            @Nullable TrackedTask[] a = slots;
            int mask = a.length - 1;
            int i = cursor;
            for (int looked = 0; looked <= mask; looked++) {
                i = (i + 1) & mask;
                if (SLOT.getOpaque(a, i) == null) {
                    place(task, a, i);
                    return;
                }
            }
            place(task, grow(a), a.length);
        }

        private void place(TrackedTask task, @Nullable TrackedTask[] a, int i) {
            cursor = i;
            task.stripe = this;
            task.slot = i;
            SLOT.setRelease(a, i, task);
        }

        private @Nullable TrackedTask[] grow(@Nullable TrackedTask[] old) {
            @Nullable TrackedTask[] bigger = Arrays.copyOf(old, Math.multiplyExact(old.length, 2));
            slots = bigger;
            for (int i = 0; i < old.length; i++) {
                if (SLOT.getVolatile(old, i) == null) {
                    SLOT.setVolatile(bigger, i, null);
                }
            }
            return bigger;
        }

        void clear(int i) {
            @Nullable TrackedTask[] a;
            do {
                a = slots;
                SLOT.setVolatile(a, i, null);
            } while (a != slots);
        }
    }

    FiberRegistry() {
        stripes = new Stripe[] {new Stripe()};
    }

    /** Makes room for as many workers; one thread at a time. */
    void grow(int workers) {
        Stripe[] more = Arrays.copyOf(stripes, Math.max(stripes.length, workers + 1));
        for (int i = stripes.length; i < more.length; i++) {
            more[i] = new Stripe();
        }
        stripes = more;
    }

    /**
     * Adds a task.
     *
     * @param worker the number of the worker whose slot the caller has, or -1
     */
    void add(TrackedTask task, int worker) {
        if (worker >= 0) {
            stripes[worker + 1].put(task);
            return;
        }
        sharedLock.lock();
        try {
            stripes[0].put(task);
        } finally {
            sharedLock.unlock();
        }
    }

    /** Removes a task. Any thread, once. */
    void remove(TrackedTask task) {
        Objects.requireNonNull(task.stripe).clear(task.slot);
    }

    /** Visits the tasks that are live throughout; others may be missed or met. */
    void forEach(Consumer<TrackedTask> visitor) {
        for (Stripe stripe : stripes) {
            @Nullable TrackedTask[] a = stripe.slots;
            for (int i = 0; i < a.length; i++) {
                TrackedTask task = (TrackedTask) SLOT.getAcquire(a, i);
                if (task != null) {
                    visitor.accept(task);
                }
            }
        }
    }
}
