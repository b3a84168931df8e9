/** Micrometer meters, the Actuator endpoint and the health contributor of AVX. */
@NullMarked
package cloud.avila.avx.actuator;

import org.jspecify.annotations.NullMarked;
