package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.metrics.Stall;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The last stalls, the newest first. Written by the watchdog's thread only; any thread may read.
 * Bounded: {@value #CAPACITY} of them, with {@value #DEPTH} frames each.
 */
final class StallLog {
    static final int CAPACITY = 64;
    static final int DEPTH = 64;

    private static final class Entry {
        final Instant began;
        final String worker;
        final String work;
        final long task;
        final List<StackTraceElement> stack;
        @Nullable BooleanSupplier isOver; // the watchdog's; forgotten with the threads it knows
        volatile long nanos;
        volatile boolean over;

        Entry(
                String worker,
                String work,
                long task,
                long nanos,
                StackTraceElement[] stack,
                BooleanSupplier isOver) {
            this.began = Instant.now().minusNanos(nanos);
            this.worker = worker;
            this.work = work;
            this.task = task;
            this.nanos = nanos;
            this.stack = List.of(stack.length <= DEPTH ? stack : Arrays.copyOf(stack, DEPTH));
            this.isOver = isOver;
        }

        Stall toStall() {
            boolean ended = over; // first: then the duration is the last one
            return new Stall(began, Duration.ofNanos(nanos), ended, worker, work, task, stack);
        }
    }

    private volatile Entry[] entries = {}; // replaced, never changed

    void add(
            String worker,
            String work,
            long task,
            long nanos,
            StackTraceElement[] stack,
            BooleanSupplier isOver) {
        Entry[] before = entries;
        Entry[] after = new Entry[Math.min(before.length + 1, CAPACITY)];
        after[0] = new Entry(worker, work, task, nanos, stack, isOver);
        System.arraycopy(before, 0, after, 1, after.length - 1);
        entries = after;
    }

    /** At every look of the watchdog; tells whether a stall goes on. */
    boolean observe(long sinceLast) {
        boolean goesOn = false;
        for (Entry entry : entries) {
            BooleanSupplier isOver = entry.isOver;
            if (isOver == null) {
                continue;
            }
            if (isOver.getAsBoolean()) {
                entry.isOver = null;
                entry.over = true;
            } else {
                entry.nanos = entry.nanos + sinceLast;
                goesOn = true;
            }
        }
        return goesOn;
    }

    /** A copy, the newest first. */
    List<Stall> snapshot() {
        List<Stall> stalls = new ArrayList<>();
        for (Entry entry : entries) {
            stalls.add(entry.toStall());
        }
        return stalls;
    }
}
