/**
 * Poll tasks, for authors of libraries: {@link cloud.avila.avx.task.Future}s that are polled on a
 * worker's own thread instead of blocking a fiber, what a poll is given ({@link
 * cloud.avila.avx.task.Context}, {@link cloud.avila.avx.task.Waker}, {@link
 * cloud.avila.avx.task.Budget}), and the parts to build them from ({@link
 * cloud.avila.avx.task.Futures}, {@link cloud.avila.avx.task.WakerCell}). Applications are better
 * off with fibers.
 *
 * <p>Guaranteed: a future is polled by one thread at a time, and each poll sees what the one before
 * has written; after a wake-up there is a poll that begins after it and sees what was written
 * before it; several wake-ups may share one poll; a task may be polled without having been woken.
 * Not guaranteed: which worker polls, and in which order tasks are polled that were woken one after
 * the other.
 *
 * <p>May depend on {@code internal.scheduler}, {@code internal.timer} and {@code internal.park}.
 * The package of {@code AvxRuntime} depends on this one.
 */
@NullMarked
package cloud.avila.avx.task;

import org.jspecify.annotations.NullMarked;
