/**
 * Tests of concurrent code that can be repeated: ordinary blocking code on a {@linkplain
 * cloud.avila.avx.simulation.SimulatedRuntime simulated runtime}, on one thread, in an order drawn
 * from a seed, with virtual time and a simulated network.
 *
 * <p>The simulation itself is in {@code internal.simulation}; this is what its users see. May
 * depend on the root package and on internal packages.
 */
@NullMarked
package cloud.avila.avx.simulation;

import org.jspecify.annotations.NullMarked;
