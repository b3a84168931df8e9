package cloud.avila.avx.actuator;

import cloud.avila.avx.metrics.Deadlock;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * Threads that wait for each other in a circle.
 *
 * @param members the circle: each waits for the next, and the last one for the first
 */
public record DeadlockDescription(List<Member> members) {
    /**
     * One of the threads.
     *
     * @param name the name of its task, or of the thread if it runs no task of this runtime
     * @param id the number of its task; 0 if it runs none
     * @param thread the number of the thread
     * @param waitsOn what it waits on, in words
     * @param heldBy the next member
     * @param stack its frames, the innermost first
     */
    public record Member(
            String name,
            long id,
            long thread,
            String waitsOn,
            @Nullable String heldBy,
            List<String> stack) {}

    static DeadlockDescription of(Deadlock deadlock) {
        return new DeadlockDescription(
                deadlock.members().stream()
                        .map(
                                m ->
                                        new Member(
                                                m.name(),
                                                m.id(),
                                                m.thread(),
                                                m.waitsOn().description(),
                                                m.waitsOn().holder(),
                                                frames(m.stack())))
                        .toList());
    }

    static List<String> frames(List<StackTraceElement> stack) {
        return stack.stream().map(StackTraceElement::toString).toList();
    }
}
