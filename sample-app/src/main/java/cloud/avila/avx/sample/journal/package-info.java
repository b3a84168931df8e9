/**
 * The write-ahead journal that makes accepted samples survive a crash. Depends on {@code line}
 * only.
 */
@NullMarked
package cloud.avila.avx.sample.journal;

import org.jspecify.annotations.NullMarked;
