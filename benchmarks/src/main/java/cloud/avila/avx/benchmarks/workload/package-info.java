/**
 * What is measured, written once for all contestants, and the contestants themselves. Every
 * workload checks that each of its tasks or messages was handled exactly once. Depends on the
 * public packages of the runtime and on the JDK.
 */
@NullMarked
package cloud.avila.avx.benchmarks.workload;

import org.jspecify.annotations.NullMarked;
