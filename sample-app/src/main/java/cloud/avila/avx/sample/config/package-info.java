/** The gateway's settings. Depends on {@code journal} for its policies. */
@NullMarked
package cloud.avila.avx.sample.config;

import org.jspecify.annotations.NullMarked;
