/**
 * A scheduler that runs everything on one thread, in an order drawn from a seed, on a clock of its
 * own, with a network of its own; and the agent that rewrites classes so that they ask that clock
 * and let the scheduler change fibers where threads could interfere.
 *
 * <p>The agent leaves the classes of this package, and of {@code internal.fiber}, as they are.
 *
 * <p>May depend on every other internal package and on {@code metrics}.
 */
@NullMarked
package cloud.avila.avx.internal.simulation;

import org.jspecify.annotations.NullMarked;
