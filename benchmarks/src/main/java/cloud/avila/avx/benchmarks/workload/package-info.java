/**
 * What is measured, written once for all contestants, and the contestants themselves. Every
 * workload checks that each of its tasks, messages or timers was handled exactly once. Depends on
 * the public packages of the runtime, on the JDK and on Netty's timer; {@code Timers} alone looks
 * inside the runtime, because the public ways to its timers all start a fiber.
 */
@NullMarked
package cloud.avila.avx.benchmarks.workload;

import org.jspecify.annotations.NullMarked;
