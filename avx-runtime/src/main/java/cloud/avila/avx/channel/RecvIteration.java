package cloud.avila.avx.channel;

import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What the iterators and streams of all receivers have in common. */
final class RecvIteration {
    private RecvIteration() {}

    /** How an iteration ends when its thread is interrupted. */
    static CancellationException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        var cancelled = new CancellationException("interrupted while waiting for a message");
        cancelled.initCause(e);
        return cancelled;
    }

    static <T> Stream<T> stream(Receiver<T> receiver) {
        var elements =
                Spliterators.spliteratorUnknownSize(
                        receiver.iterator(), Spliterator.ORDERED | Spliterator.NONNULL);
        return StreamSupport.stream(elements, false).onClose(receiver::close);
    }
}
