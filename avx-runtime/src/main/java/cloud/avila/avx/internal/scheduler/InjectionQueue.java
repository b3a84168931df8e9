package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;

/**
 * The queue of tasks that come from outside the workers: any thread pushes, workers take batches.
 */
final class InjectionQueue extends InjectionPadding2 {
    /*
     * Overview.
     *
     * An unbounded list of segments of slots. A producer draws a ticket by fetch-and-add on tail,
     * finds the segment of that number and writes its slot; a taker claims a run of written slots by
     * one compare-and-set on head. So a push is one read-modify-write, and a batch is another,
     * however long. (The ticket idea is that of Morrison and Afek, "Fast Concurrent Queues for x86
     * Processors", PPoPP 2013; a slot is used only once here, which removes its hard parts.)
     *
     * Invariant: head <= tail; slot n % SEGMENT of segment n / SEGMENT is null until ticket n's
     * producer has written it, then its task until its taker has cleared it to TAKEN.
     *
     * field     writer      mode
     * tail      producers   fetch-and-add; read volatile
     * head      takers      compare-and-set; read volatile
     * headSeen  producers   opaque: some earlier head, so at worst too low
     * slot      producer    release; read acquire; TAKEN plain, by the taker that owns it
     * next      anyone      compare-and-set from null
     * tailSegment, headSegment   anyone, forward only, compare-and-set: hints where to start
     *
     * Why the orders suffice. A task is published by its slot's release and found by an acquire;
     * the head's compare-and-set decides who owns it. isEmpty reads head before tail, both
     * volatile, and tail's fetch-and-add is ordered before the producer's look at the sleeping
     * workers (IdleWorkers): a worker that announced its sleep and then finds the queue empty will
     * be seen by that producer. A producer reads tailSegment before it draws its ticket, so the hint
     * is never past its segment; likewise a taker reads headSegment before head.
     *
     * A producer that is preempted between its ticket and its write holds up the tickets behind it
     * until it runs again. The queue is then not empty, take() answers null, and workers yield their
     * processor instead of going to sleep.
     */

    private static final int DEFAULT_SEGMENT = 512;

    /** The most tasks that one take moves to the worker. */
    private static final int MAX_BATCH = 64;

    private static final Runnable TAKEN = () -> {};

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Runnable[].class);
    private static final VarHandle TAIL;
    private static final VarHandle HEAD;
    private static final VarHandle HEAD_SEEN;
    private static final VarHandle TAIL_SEGMENT;
    private static final VarHandle HEAD_SEGMENT;
    private static final VarHandle NEXT;

    static {
        try {
            var lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(InjectionTail.class, "tail", long.class);
            HEAD = lookup.findVarHandle(InjectionHead.class, "head", long.class);
            HEAD_SEEN = lookup.findVarHandle(InjectionTail.class, "headSeen", long.class);
            TAIL_SEGMENT = lookup.findVarHandle(InjectionTail.class, "tailSegment", Segment.class);
            HEAD_SEGMENT = lookup.findVarHandle(InjectionHead.class, "headSegment", Segment.class);
            NEXT = lookup.findVarHandle(Segment.class, "next", Segment.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    static final class Segment {
        final long id;
        final @Nullable Runnable[] slots;
        volatile @Nullable Segment next;

        Segment(long id, int size) {
            this.id = id;
            slots = new Runnable[size];
        }

        Segment next() {
            Segment n = next;
            if (n == null) {
                Segment created = new Segment(id + 1, slots.length);
                n = (Segment) NEXT.compareAndExchange(this, null, created);
                if (n == null) {
                    n = created;
                }
            }
            return n;
        }
    }

    private final int segment;

    InjectionQueue() {
        this(DEFAULT_SEGMENT);
    }

    /**
     * @param segment slots in a segment; tests make it small to meet the seams often
     */
    InjectionQueue(int segment) {
        super(new Segment(0, segment));
        this.segment = segment;
    }

    /** Adds a task. Any thread; never blocks. */
    void push(Runnable task) {
        Segment s = tailSegment;
        long ticket = (long) TAIL.getAndAdd(this, 1L);
        long id = ticket / segment;
        if (s.id != id) {
            while (s.id < id) {
                s = s.next();
            }
            Segment hint = tailSegment;
            while (hint.id < id && !TAIL_SEGMENT.weakCompareAndSet(this, hint, s)) {
                hint = tailSegment;
            }
        }
        SLOT.setRelease(s.slots, (int) (ticket % segment), task);
    }

    /**
     * Takes the oldest tasks: returns the first and pushes the rest to the worker's own queue. A
     * worker gets its share of what waits, so that one does not take all.
     *
     * @param into the calling worker's own queue
     * @param sharers among how many workers to share
     * @return the oldest task, or null if none is ready
     */
    @Nullable Runnable take(ChaseLevDeque<Runnable> into, int sharers) {
        for (; ; ) {
            Segment s = headSegment;
            long h = head;
            long waiting = tail - h;
            if (waiting <= 0) {
                return null;
            }
            long id = h / segment;
            if (s.id > id) {
                continue;
            }
            while (s.id < id) {
                s = s.next();
            }
            int first = (int) (h % segment);
            int most = (int) Math.min(Math.min(waiting / sharers + 1, MAX_BATCH), segment - first);
            int n = 0;
            while (n < most && SLOT.getAcquire(s.slots, first + n) != null) {
                n++;
            }
            if (n == 0) {
                if (head == h) {
                    return null;
                }
                continue;
            }
            if (!HEAD.compareAndSet(this, h, h + n)) {
                continue;
            }
            Segment hint = headSegment;
            while (hint.id < id && !HEAD_SEGMENT.weakCompareAndSet(this, hint, s)) {
                hint = headSegment;
            }
            Runnable task = claim(s, first);
            for (int i = 1; i < n; i++) {
                into.push(claim(s, first + i));
            }
            return task;
        }
    }

    private static Runnable claim(Segment s, int i) {
        Runnable task = java.util.Objects.requireNonNull(s.slots[i]);
        s.slots[i] = TAKEN;
        return task;
    }

    /** Visits what waits; those pushed or taken meanwhile may be met or missed. */
    void forEach(Consumer<Runnable> visitor) {
        Segment s = headSegment;
        long end = tail;
        for (long i = Math.max(head, s.id * segment); i < end; i++) {
            while (s.id < i / segment) {
                s = s.next();
            }
            Runnable task = (Runnable) SLOT.getAcquire(s.slots, (int) (i % segment));
            if (task != null && task != TAKEN) {
                visitor.accept(task);
            }
        }
    }

    /** Whether nothing waits, not even a task whose producer is still writing it. */
    boolean isEmpty() {
        return head >= tail;
    }

    /**
     * Whether so many tasks wait or more. For producers: reads the takers' index, which costs a
     * cache miss, only when the one read before is not enough.
     */
    boolean isFull(long capacity) {
        long t = tail;
        if (t - (long) HEAD_SEEN.getOpaque(this) < capacity) {
            return false;
        }
        long h = head;
        HEAD_SEEN.setOpaque(this, h);
        return t - h >= capacity;
    }

    /** How many tasks were ever pushed. */
    long pushed() {
        return tail;
    }

    /** How many tasks wait; approximate while others work on the queue. */
    long size() {
        long h = head;
        return Math.max(0, tail - h);
    }
}

@SuppressWarnings("unused")
abstract class InjectionPadding0 {
    long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p10, p11, p12, p13, p14, p15;
}

abstract class InjectionTail extends InjectionPadding0 {
    volatile long tail;
    long headSeen;
    volatile InjectionQueue.Segment tailSegment;

    InjectionTail(InjectionQueue.Segment first) {
        tailSegment = first;
    }
}

@SuppressWarnings("unused")
abstract class InjectionPadding1 extends InjectionTail {
    long q00, q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11, q12, q13, q14, q15;

    InjectionPadding1(InjectionQueue.Segment first) {
        super(first);
    }
}

abstract class InjectionHead extends InjectionPadding1 {
    volatile long head;
    volatile InjectionQueue.Segment headSegment;

    InjectionHead(InjectionQueue.Segment first) {
        super(first);
        headSegment = first;
    }
}

@SuppressWarnings("unused")
abstract class InjectionPadding2 extends InjectionHead {
    long r00, r01, r02, r03, r04, r05, r06, r07, r08, r09, r10, r11, r12, r13, r14, r15;

    InjectionPadding2(InjectionQueue.Segment first) {
        super(first);
    }
}
