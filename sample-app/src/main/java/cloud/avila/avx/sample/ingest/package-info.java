/**
 * Where parsed lines enter: the intake that counts, limits and queues them. Depends on {@code line}
 * only.
 */
@NullMarked
package cloud.avila.avx.sample.ingest;

import org.jspecify.annotations.NullMarked;
