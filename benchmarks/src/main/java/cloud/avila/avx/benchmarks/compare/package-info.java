/**
 * The measuring loop that {@code benchmarks/compare} starts in a process of its own for each
 * contestant, case and round. Depends on {@code workload}.
 */
@NullMarked
package cloud.avila.avx.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
