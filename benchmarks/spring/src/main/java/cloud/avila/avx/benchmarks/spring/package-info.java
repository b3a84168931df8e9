/**
 * The application that the benchmark group {@code spring} measures: the same endpoints on every
 * server.
 */
@NullMarked
package cloud.avila.avx.benchmarks.spring;

import org.jspecify.annotations.NullMarked;
