/**
 * The one consumer that takes queued samples through journal, windows and database, and the
 * application's start and stop order. Depends on all packages but {@code web} and {@code monitor}.
 */
@NullMarked
package cloud.avila.avx.sample.pipeline;

import org.jspecify.annotations.NullMarked;
