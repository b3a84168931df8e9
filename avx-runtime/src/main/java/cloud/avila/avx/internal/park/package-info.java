/**
 * The one seam where a thread, virtual or not, goes to sleep and is woken. Nothing outside this
 * package calls {@link java.util.concurrent.locks.LockSupport}. Depends on {@code internal.sys} for
 * the system calls it may sleep in.
 */
@NullMarked
package cloud.avila.avx.internal.park;

import org.jspecify.annotations.NullMarked;
