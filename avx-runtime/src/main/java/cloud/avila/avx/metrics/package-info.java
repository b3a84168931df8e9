/**
 * Immutable snapshots of what a runtime has done and is doing. Plain records; depends on nothing
 * else of the runtime.
 */
@NullMarked
package cloud.avila.avx.metrics;

import org.jspecify.annotations.NullMarked;
