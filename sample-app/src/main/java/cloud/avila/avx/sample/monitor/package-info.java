/** The gateway's own meters, and the feed of its JVM's metrics into itself. */
@NullMarked
package cloud.avila.avx.sample.monitor;

import org.jspecify.annotations.NullMarked;
