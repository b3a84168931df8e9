package cloud.avila.avx.metrics;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * A time that a worker was on one piece of work for longer than the stall threshold.
 *
 * @param began when the piece of work began, to within a few hundredths of a second
 * @param duration how long it took, or has taken so far, to within the same
 * @param over whether the piece of work has ended
 * @param worker the name of the thread
 * @param work what the worker was busy with, in words
 * @param task the number of the task; 0 for a job, which has none
 * @param stack its frames when it was reported, the innermost first, 64 at most
 */
public record Stall(
        Instant began,
        Duration duration,
        boolean over,
        String worker,
        String work,
        long task,
        List<StackTraceElement> stack) {

    /** Keeps its own copy of the list. */
    public Stall {
        stack = List.copyOf(stack);
    }

    /**
     * The stall in words, with the stack.
     *
     * @return several lines
     */
    @Override
    public String toString() {
        var out = new StringBuilder();
        out.append(began)
                .append(": ")
                .append(Json.printable(worker))
                .append(over ? " was busy with " : " is busy with ")
                .append(Json.printable(work))
                .append(FiberDump.number(task))
                .append(" for ")
                .append(duration.toMillis())
                .append(" ms\n");
        FiberDump.appendStack(out, stack);
        return out.toString();
    }
}
