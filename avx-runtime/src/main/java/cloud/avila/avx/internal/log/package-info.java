/**
 * Messages of trouble, bounded in number. The lowest package: everything may use it, it uses
 * nothing of ours.
 */
@NullMarked
package cloud.avila.avx.internal.log;

import org.jspecify.annotations.NullMarked;
