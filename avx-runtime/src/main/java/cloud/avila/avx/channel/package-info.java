/**
 * Channels between fibers, other virtual threads and platform threads: {@link
 * cloud.avila.avx.channel.Mpsc} from many senders to one receiver, {@link
 * cloud.avila.avx.channel.Broadcast} from many senders to every receiver, {@link
 * cloud.avila.avx.channel.Watch} for the latest value, {@link cloud.avila.avx.channel.Oneshot} for
 * a single one. {@link cloud.avila.avx.channel.Select} waits for the first of several.
 *
 * <p>Common to all: {@code null} is no message; a closed end is a defined result and never a hang;
 * what a thread did before sending happens-before what follows the receipt of that message; an
 * interrupt or a timeout loses no message.
 *
 * <p>Depends on {@code internal.park} and {@code task}, and on the root package for the tokens and
 * tasks that a select waits for and the fibers that publishers deliver on.
 */
@NullMarked
package cloud.avila.avx.channel;

import org.jspecify.annotations.NullMarked;
