/**
 * The work-stealing scheduler: workers and their queues, the idle protocol, the blocking pool, the
 * registry of live tasks and the watchdog.
 *
 * <p>May depend on every other internal package and on {@code metrics}, whose snapshots it makes;
 * not on the public packages built upon it.
 *
 * <h2>Guarantees</h2>
 *
 * <ul>
 *   <li>What a thread does before it submits a task, wakes a fiber or completes a task
 *       happens-before what the task, the woken fiber or whoever joins the task does after it.
 *   <li>A task that is ready runs after finitely many others: queues are first in, first out, the
 *       LIFO slot is bypassed after three turns, and the injection queue, timers and the driver are
 *       looked at at least once in {@value cloud.avila.avx.internal.scheduler.Worker#MAX_INTERVAL}
 *       tasks. This holds as long as every task gives its worker back in finite time.
 *   <li>Work that is ready and not running while a worker sleeps gets that worker woken; the
 *       exception is the LIFO slot's single task, which only its own worker runs.
 *   <li>An accepted task runs, or is cancelled by its handle or at shutdown, or is named in the
 *       report of a shutdown that ran out of time.
 * </ul>
 */
@NullMarked
package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.NullMarked;
