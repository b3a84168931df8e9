/**
 * Web servers on the runtime: requests of Tomcat and Jetty as fibers, and blocking handlers of
 * WebFlux. Each server is optional on the class path.
 *
 * <p>May depend on the public packages of the runtime, on {@code cloud.avila.avx.spring} and {@code
 * cloud.avila.avx.spring.task}, and on Spring Boot's modules of web servers; nothing depends on it.
 */
@NullMarked
package cloud.avila.avx.spring.web;

import org.jspecify.annotations.NullMarked;
