/**
 * The work-stealing scheduler: workers and their queues, the idle protocol, the blocking pool, the
 * registry of live tasks and the watchdog.
 *
 * <p>May depend on every other internal package and on {@code metrics}, whose snapshots it makes;
 * not on the public packages built upon it.
 *
 * <h2>Guarantees</h2>
 *
 * <p>What users may rely on.
 *
 * <ul>
 *   <li><b>Memory effects.</b> What a thread does before it submits a task, wakes a fiber or a poll
 *       task, cancels a task or fires a timer happens-before what the task, the woken fiber or the
 *       timer's action does after it; what a task does happens-before what follows a join of it,
 *       and what one step of a poll task does happens-before its next step.
 *   <li><b>Progress.</b> Work that is ready and not running while a worker sleeps gets a worker
 *       woken; the exception is the LIFO slot's single task, which its own worker runs next. A task
 *       that keeps its worker for longer than the stall threshold delays what waits for that worker
 *       by at most two thresholds, unless 256 threads are away already or taking over is switched
 *       off.
 *   <li><b>Fairness.</b> A task that is ready runs after finitely many others of its priority, as
 *       long as tasks give their worker back. Interactive tasks run at most {@value
 *       cloud.avila.avx.internal.scheduler.Lanes#MAX_INTERACTIVE_TURNS} in a row on a worker that
 *       has normal ones; background tasks run at least one every 10 ms.
 *   <li><b>Ordering.</b> None between tasks, whoever submits them.
 *   <li><b>Accounting.</b> An accepted task runs, or is cancelled by its handle or at shutdown, or
 *       is named in the report of a shutdown that ran out of time. When all have ended, tasks
 *       spawned are as many as completed, failed and cancelled together.
 * </ul>
 *
 * <h2>Today's behaviour</h2>
 *
 * <p>What may change without notice: queues are first in, first out, but for the LIFO slot, which
 * is bypassed after {@value cloud.avila.avx.internal.scheduler.Worker#MAX_LIFO_TURNS} turns; a
 * thief takes half; the injection queue, timers and the driver are looked at every 200 µs or so, at
 * least once in {@value cloud.avila.avx.internal.scheduler.Worker#MAX_INTERVAL} tasks; at most half
 * of the workers search; the watchdog looks every 10 ms.
 */
@NullMarked
package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.NullMarked;
