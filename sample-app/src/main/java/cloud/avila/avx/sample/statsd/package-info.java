/** The StatsD protocol: parser and UDP listener. Depends on {@code line} and {@code ingest}. */
@NullMarked
package cloud.avila.avx.sample.statsd;

import org.jspecify.annotations.NullMarked;
