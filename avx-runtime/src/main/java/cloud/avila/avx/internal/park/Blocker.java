package cloud.avila.avx.internal.park;

import org.jspecify.annotations.Nullable;

/**
 * One wait of one thread for something that a single thread can end, as the object that the waiting
 * thread passes to {@link Parker#park}.
 *
 * <p>A new object for each wait: as long as a thread shows the same blocker, it has not run in
 * between. What tells a deadlock from two waits that merely follow each other rests on that.
 *
 * <p>Its {@code toString} says in one line what is waited for. Neither method blocks; any thread
 * may call them at any time.
 */
public interface Blocker {
    /**
     * Who can end the wait: the thread that holds the lock, or that runs the task.
     *
     * @return the thread, or null if there is none at the moment
     */
    @Nullable Thread holder();
}
