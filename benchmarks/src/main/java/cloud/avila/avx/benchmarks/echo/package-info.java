/**
 * Echo servers, one per contestant, and the one load generator that drives them all. Depends on the
 * public packages of the runtime, on {@code workload}, on Netty and on the JDK.
 */
@NullMarked
package cloud.avila.avx.benchmarks.echo;

import org.jspecify.annotations.NullMarked;
