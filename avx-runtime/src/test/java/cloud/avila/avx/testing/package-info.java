/** What tests of several packages share. */
@NullMarked
package cloud.avila.avx.testing;

import org.jspecify.annotations.NullMarked;
