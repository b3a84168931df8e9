/**
 * The timers of a worker: {@link cloud.avila.avx.internal.timer.TimerWheel} and the {@link
 * cloud.avila.avx.internal.timer.Timer} it holds. What happens at a deadline is the caller's
 * action; when to look at the clock is the scheduler's business. May depend on {@code
 * internal.park} only.
 */
@NullMarked
package cloud.avila.avx.internal.timer;

import org.jspecify.annotations.NullMarked;
