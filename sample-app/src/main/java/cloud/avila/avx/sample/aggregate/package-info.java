/** Windows of aggregated samples. Depends on {@code line} only. */
@NullMarked
package cloud.avila.avx.sample.aggregate;

import org.jspecify.annotations.NullMarked;
