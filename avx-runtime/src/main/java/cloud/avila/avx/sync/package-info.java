/**
 * Locks, semaphores, barriers and other ways to wait for each other, for fibers, other virtual
 * threads and platform threads alike: whoever waits is parked, in the order of arrival, and an
 * interrupt or a timeout neither loses a permit nor leaves anything behind.
 *
 * <p>Depends on {@code internal.park} and, for snapshots, {@code metrics}.
 */
@NullMarked
package cloud.avila.avx.sync;

import org.jspecify.annotations.NullMarked;
