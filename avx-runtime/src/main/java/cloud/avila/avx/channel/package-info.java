/**
 * Channels between fibers, other virtual threads and platform threads: {@link
 * cloud.avila.avx.channel.Mpsc} from many senders to one receiver, {@link
 * cloud.avila.avx.channel.Broadcast} from many senders to every receiver, {@link
 * cloud.avila.avx.channel.Oneshot} for a single value.
 *
 * <p>Common to all: {@code null} is no message; a closed end is a defined result and never a hang;
 * what a thread did before sending happens-before what follows the receipt of that message; an
 * interrupt or a timeout loses no message.
 *
 * <p>Depends on {@code internal.park} and {@code task}.
 */
@NullMarked
package cloud.avila.avx.channel;

import org.jspecify.annotations.NullMarked;
