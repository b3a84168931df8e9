/** The example of docs/spring-boot.md. */
@NullMarked
package cloud.avila.avx.spring.example;

import org.jspecify.annotations.NullMarked;
