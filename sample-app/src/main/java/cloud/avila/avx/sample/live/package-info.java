/** Fresh points on their way to browsers. Depends on {@code aggregate}. */
@NullMarked
package cloud.avila.avx.sample.live;

import org.jspecify.annotations.NullMarked;
