package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.Handle;

import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Receivers as a publisher by the rules of Reactive Streams: each subscriber gets a receiver of its
 * own, from where receivers can be had.
 */
final class ReceiverPublisher<T> implements Flow.Publisher<T> {
    private static final Flow.Subscription NONE =
            new Flow.Subscription() {
                @Override
                public void request(long n) {}

                @Override
                public void cancel() {}
            };

    private final Supplier<? extends Receiver<T>> receivers;
    private final Executor executor;

    ReceiverPublisher(Supplier<? extends Receiver<T>> receivers, Executor executor) {
        this.receivers = receivers;
        this.executor = requireNonNull(executor, "executor");
    }

    /** A publisher for the one subscriber that a receiver can serve. */
    static <T> ReceiverPublisher<T> of(Receiver<T> receiver, Executor executor) {
        var taken = new AtomicBoolean();
        return new ReceiverPublisher<>(
                () -> {
                    if (!taken.compareAndSet(false, true)) {
                        throw new IllegalStateException(
                                "there is a subscriber for "
                                        + receiver
                                        + " already: a receiver serves one; make another receiver,"
                                        + " or publish the channel itself if it can");
                    }
                    return receiver;
                },
                executor);
    }

    /** Fibers of the runtime that the calling thread belongs to, otherwise new virtual threads. */
    static Executor defaultExecutor() {
        return Handle.tryCurrent()
                .<Executor>map(Handle::asExecutorService)
                .orElse(Thread::startVirtualThread);
    }

    @Override
    public void subscribe(Flow.Subscriber<? super T> subscriber) {
        requireNonNull(subscriber, "subscriber");
        Receiver<T> receiver;
        try {
            receiver = receivers.get();
        } catch (ChannelClosedException e) {
            subscriber.onSubscribe(NONE);
            subscriber.onComplete();
            return;
        } catch (IllegalStateException e) {
            subscriber.onSubscribe(NONE);
            subscriber.onError(e);
            return;
        }
        new ReceiverSubscription<>(receiver, subscriber, executor).begin();
    }

    @Override
    public String toString() {
        return "Publisher[" + receivers + "]";
    }
}
