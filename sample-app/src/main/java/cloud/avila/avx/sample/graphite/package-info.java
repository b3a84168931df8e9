/**
 * The Graphite plaintext protocol: parser, TCP listener and connections. Depends on {@code line}
 * and {@code ingest}.
 */
@NullMarked
package cloud.avila.avx.sample.graphite;

import org.jspecify.annotations.NullMarked;
