/**
 * TCP and UDP sockets in blocking style: {@link cloud.avila.avx.net.TcpListener}, {@link
 * cloud.avila.avx.net.TcpStream} and {@link cloud.avila.avx.net.UdpSocket}. A thread that has to
 * wait is parked; on a fiber its worker goes on with other work. {@link
 * cloud.avila.avx.net.AvxSocketFactory} makes sockets of {@code java.net} of them, for libraries.
 *
 * <p>Sockets are opened inside a runtime (in a fiber, a job, or while an {@link
 * cloud.avila.avx.EnterGuard} is open) and belong to it: closing the runtime closes them. Once open
 * they can be used from every thread, virtual or not.
 *
 * <p>What holds for every operation that waits: an interrupt ends the wait with an {@link
 * java.lang.InterruptedException}, and the socket stays usable; a timeout ends it with a {@link
 * java.net.SocketTimeoutException}; closing the socket from another thread ends it with a {@link
 * cloud.avila.avx.net.SocketClosedException}. Other failures are the exceptions of {@code
 * java.net}; their message has the operation, the address and the system's error name and number.
 *
 * <p>May depend on the reactor and the scheduler.
 */
@NullMarked
package cloud.avila.avx.net;

import org.jspecify.annotations.NullMarked;
