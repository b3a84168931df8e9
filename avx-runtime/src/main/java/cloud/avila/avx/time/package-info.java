/**
 * Waiting for time to pass: {@link cloud.avila.avx.time.Sleep}, {@link
 * cloud.avila.avx.time.Interval} and {@link cloud.avila.avx.time.Timeout}. All of it measures with
 * {@link System#nanoTime()}, so that changes of the wall clock have no effect.
 *
 * <p>May depend on {@code internal.scheduler}, {@code internal.timer} and {@code internal.park}.
 */
@NullMarked
package cloud.avila.avx.time;

import org.jspecify.annotations.NullMarked;
