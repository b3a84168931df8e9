/**
 * The embedded database of points, and the directory of series kept in memory. Depends on {@code
 * aggregate}.
 */
@NullMarked
package cloud.avila.avx.sample.store;

import org.jspecify.annotations.NullMarked;
