/**
 * The HTTP API, the live stream and the dashboard's headers. Depends on {@code store}, {@code live}
 * and the counters of {@code ingest} and {@code pipeline}.
 */
@NullMarked
package cloud.avila.avx.sample.web;

import org.jspecify.annotations.NullMarked;
