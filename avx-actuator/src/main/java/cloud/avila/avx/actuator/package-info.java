/**
 * What Spring Boot Actuator and Micrometer show of a runtime: meters, the endpoint {@code avx} and
 * a health contributor.
 *
 * <p>May depend on the public packages of the runtime and, optionally, on Spring Boot and
 * Micrometer: each auto-configuration is skipped when what it needs is absent. Does not depend on
 * the starter.
 */
@NullMarked
package cloud.avila.avx.actuator;

import org.jspecify.annotations.NullMarked;
