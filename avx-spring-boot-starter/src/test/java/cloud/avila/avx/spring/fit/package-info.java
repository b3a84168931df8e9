/** How the starter fits into the places where applications run. */
@NullMarked
package cloud.avila.avx.spring.fit;

import org.jspecify.annotations.NullMarked;
