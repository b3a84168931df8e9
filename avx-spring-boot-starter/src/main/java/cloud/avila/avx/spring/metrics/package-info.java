/** Measures with Micrometer what the starter's task executors do. */
@NullMarked
package cloud.avila.avx.spring.metrics;

import org.jspecify.annotations.NullMarked;
