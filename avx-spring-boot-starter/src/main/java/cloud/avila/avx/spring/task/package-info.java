/**
 * Spring task executors on the runtime: the application's, which {@code @Async} methods and
 * asynchronous requests use, and named ones with limits of their own.
 *
 * <p>May depend on the public packages of the runtime, on the actuator module's public types, on
 * {@code cloud.avila.avx.spring} and on Spring Boot.
 *
 * @serial exclude
 */
@NullMarked
package cloud.avila.avx.spring.task;

import org.jspecify.annotations.NullMarked;
