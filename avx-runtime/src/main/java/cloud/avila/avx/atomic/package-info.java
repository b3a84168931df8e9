/**
 * Single values that many threads share: a reference, a counter, a flag that can be waited for.
 *
 * <p>Depends on {@code internal.park} only.
 */
@NullMarked
package cloud.avila.avx.atomic;

import org.jspecify.annotations.NullMarked;
