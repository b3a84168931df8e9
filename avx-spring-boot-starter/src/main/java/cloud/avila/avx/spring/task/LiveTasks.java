package cloud.avila.avx.spring.task;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * The tasks of an executor that have not ended. They are linked into each other, so that adding and
 * removing one allocates nothing and takes constant time, and in stripes with a lock each, which is
 * held for some instructions, so that submitters and tasks seldom meet. Thread-safe.
 *
 * @param <E> what is listed
 */
final class LiveTasks<E extends LiveTasks.Entry<E>> {
    private static final int STRIPES = 16; // a power of two

    private final List<Stripe<E>> stripes = new ArrayList<>(STRIPES);
    private int turn; // plain: a race on it only has two tasks share a stripe

    /**
     * A task, which is added and removed once at most.
     *
     * @param <E> its own type
     */
    abstract static class Entry<E extends Entry<E>> {
        private @Nullable Stripe<E> stripe; // written when added, before others know the task
        // guarded by the stripe
        private boolean listed;
        private @Nullable E previous;
        private @Nullable E next;
    }

    private static final class Stripe<E extends Entry<E>> {
        @Nullable E first; // guarded by this
    }

    LiveTasks() {
        for (int i = 0; i < STRIPES; i++) {
            stripes.add(new Stripe<>());
        }
    }

    void add(E task) {
        Entry<E> entry = task;
        Stripe<E> stripe = stripes.get(turn++ & STRIPES - 1);
        entry.stripe = stripe;
        synchronized (stripe) {
            E first = stripe.first;
            if (first != null) {
                ((Entry<E>) first).previous = task;
            }
            entry.next = first;
            entry.listed = true;
            stripe.first = task;
        }
    }

    /** Does nothing for a task that is not listed. */
    void remove(E task) {
        Entry<E> entry = task;
        Stripe<E> stripe = entry.stripe;
        if (stripe == null) {
            return;
        }
        synchronized (stripe) {
            if (!entry.listed) {
                return;
            }
            entry.listed = false;
            E previous = entry.previous;
            E next = entry.next;
            if (previous == null) {
                stripe.first = next;
            } else {
                ((Entry<E>) previous).next = next;
            }
            if (next != null) {
                ((Entry<E>) next).previous = previous;
            }
        }
    }

    /** Whether no task is listed that was so all the time. */
    boolean isEmpty() {
        for (Stripe<E> stripe : stripes) {
            synchronized (stripe) {
                if (stripe.first != null) {
                    return false;
                }
            }
        }
        return true;
    }

    List<E> toList() {
        List<E> all = new ArrayList<>();
        for (Stripe<E> stripe : stripes) {
            synchronized (stripe) {
                for (E e = stripe.first; e != null; e = ((Entry<E>) e).next) {
                    all.add(e);
                }
            }
        }
        return all;
    }
}
