/**
 * Waits for sockets. {@link cloud.avila.avx.internal.reactor.IoDriver} is the seam: it works at the
 * level of operations, so that drivers which report readiness (epoll) and drivers which complete
 * operations (io_uring, I/O completion ports) fit behind it. May depend on {@code sys}, {@code
 * park}, {@code fiber} and the records of {@code metrics}; knows nothing of the scheduler, which
 * drives it through {@code poll}.
 */
@NullMarked
package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.NullMarked;
