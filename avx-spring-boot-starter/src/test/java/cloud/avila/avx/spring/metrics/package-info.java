/** Tests of what is measured, with real registries and tools. */
@NullMarked
package cloud.avila.avx.spring.metrics;

import org.jspecify.annotations.NullMarked;
