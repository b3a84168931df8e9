package cloud.avila.avx.metrics;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;

/**
 * A live task, as it was seen.
 *
 * @param id its number in its runtime
 * @param name its name, given or made from kind and number
 * @param kind its kind
 * @param lane how urgent it is: {@code interactive}, {@code normal} or {@code background}
 * @param state what it was doing
 * @param cancelled whether it was cancelled and its code has not ended yet
 * @param age time since it was accepted, up to a millisecond or so too long
 * @param thread the number of its thread, as in the JDK's thread dumps; 0 if it has none
 * @param worker the name of the platform thread on which it runs; null if it does not run, or where
 *     the JDK does not let us see
 * @param waitsOn what it waits on; null if it does not wait, or that is not known, as for {@code
 *     synchronized} and {@code Thread.sleep}
 * @param stack its frames, the innermost first; empty if it has no thread, or none were asked for
 */
public record TaskSnapshot(
        long id,
        String name,
        TaskKind kind,
        String lane,
        TaskState state,
        boolean cancelled,
        Duration age,
        long thread,
        @Nullable String worker,
        @Nullable Wait waitsOn,
        List<StackTraceElement> stack) {

    /** Keeps its own copy of the list. */
    public TaskSnapshot {
        stack = List.copyOf(stack);
    }
}
