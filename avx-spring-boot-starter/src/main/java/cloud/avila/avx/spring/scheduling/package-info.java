/**
 * Spring's task scheduler on the runtime's timers.
 *
 * <p>May depend on the public packages of the runtime, on the actuator module's public types, on
 * {@code cloud.avila.avx.spring} and on Spring Boot.
 */
@NullMarked
package cloud.avila.avx.spring.scheduling;

import org.jspecify.annotations.NullMarked;
