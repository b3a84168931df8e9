/**
 * The JMH benchmarks: thin wrappers around the workloads, for use with JMH's profilers. May depend
 * on {@code workload} and JMH only.
 */
@NullMarked
package cloud.avila.avx.benchmarks;

import org.jspecify.annotations.NullMarked;
