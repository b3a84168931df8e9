package cloud.avila.avx.metrics;

import org.jspecify.annotations.Nullable;

/**
 * What a thread waits on.
 *
 * @param blocker the class of the object it waits on
 * @param description the object in words, as far as that is known; else its class and identity
 * @param holder who holds it: the name of a task, or else of a thread; null if it is held by nobody
 *     or that is not known, as for locks of {@code java.util.concurrent}
 * @param holderId the number of the task that holds it; 0 if it is not a task of this runtime
 */
public record Wait(String blocker, String description, @Nullable String holder, long holderId) {
    @Override
    public String toString() {
        return holder == null
                ? description
                : description + ", held by \"" + holder + "\"" + FiberDump.number(holderId);
    }
}
