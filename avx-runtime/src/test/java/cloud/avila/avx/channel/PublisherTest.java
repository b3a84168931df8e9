package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.testing.Background;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;

@Timeout(60)
class PublisherTest {
    /** Writes down what it is told; asks for what the test asks for. */
    private static final class Recorder<T> implements Flow.Subscriber<T> {
        final LinkedBlockingQueue<T> messages = new LinkedBlockingQueue<>();
        final CountDownLatch over = new CountDownLatch(1);
        volatile @Nullable Throwable error;
        volatile Flow.@Nullable Subscription subscription;

        @Override
        public void onSubscribe(Flow.Subscription s) {
            subscription = s;
        }

        @Override
        public void onNext(T message) {
            messages.add(message);
        }

        @Override
        public void onError(Throwable e) {
            error = e;
            over.countDown();
        }

        @Override
        public void onComplete() {
            over.countDown();
        }

        Flow.Subscription subscription() {
            return Objects.requireNonNull(subscription);
        }
    }

    private final Recorder<Integer> recorder = new Recorder<>();

    @Test
    void aSenderWaitsForASubscriberThatAsksForNothing() throws Exception {
        var channel = Mpsc.<Integer>bounded(2);
        channel.receiver().asPublisher().subscribe(recorder);
        var tx = channel.sender();
        var sending =
                Background.parkedStep(
                        () -> {
                            for (int i = 0; i < 10; i++) {
                                tx.send(i);
                            }
                            tx.close();
                        });
        assertTrue(recorder.messages.isEmpty());
        recorder.subscription().request(3);
        for (int i = 0; i < 3; i++) {
            assertEquals(i, recorder.messages.take());
        }
        Background.awaitParked(sending.thread());
        assertTrue(recorder.messages.isEmpty());
        recorder.subscription().request(7);
        recorder.over.await();
        assertEquals(List.of(3, 4, 5, 6, 7, 8, 9), List.copyOf(recorder.messages));
        assertTrue(sending.join());
    }

    @Test
    void theEndIsToldWithoutBeingAskedFor() throws Exception {
        var channel = Mpsc.<Integer>bounded(2);
        channel.receiver().asPublisher().subscribe(recorder);
        var tx = channel.sender();
        recorder.subscription().request(1);
        tx.send(1);
        assertEquals(1, recorder.messages.take());
        tx.close();
        recorder.over.await();
        var state = Watch.of(1);
        var changes = new Recorder<Integer>();
        state.subscribe().asPublisher().subscribe(changes);
        state.close();
        changes.over.await();
        assertTrue(changes.messages.isEmpty());
    }

    @Test
    void cancellingClosesTheReceiver() throws Exception {
        var channel = Mpsc.<Integer>bounded(1);
        channel.receiver().asPublisher().subscribe(recorder);
        var tx = channel.sender();
        tx.send(1);
        var waiting = Background.parkedStep(() -> tx.send(2));
        recorder.subscription().cancel();
        recorder.subscription().cancel();
        assertInstanceOf(ChannelClosedException.class, waiting.failure());
        recorder.subscription().request(1);
        assertTrue(recorder.messages.isEmpty());
    }

    @Test
    void aLagIsAnErrorThatEndsTheSubscription() throws Exception {
        var channel = Broadcast.<Integer>create(4);
        channel.asPublisher().subscribe(recorder);
        for (int i = 0; i < 10; i++) {
            channel.send(i);
        }
        recorder.subscription().request(100);
        recorder.over.await();
        assertEquals(6, assertInstanceOf(LaggedException.class, recorder.error).missed());
        assertEquals(0, channel.subscribers());
    }

    @Test
    void aWatchTellsThePresentValueAndThenTheNewest() throws Exception {
        var state = Watch.of(1);
        state.asPublisher().subscribe(recorder);
        recorder.subscription().request(1);
        assertEquals(1, recorder.messages.take());
        state.send(2);
        state.send(3);
        recorder.subscription().request(1);
        assertEquals(3, recorder.messages.take());
        recorder.subscription().cancel();
        state.awaitNoReceivers();
    }

    @Test
    void aClosedChannelIsCompleteAtOnce() throws Exception {
        var channel = Broadcast.<Integer>create(4);
        Flow.Publisher<Integer> publisher = channel.asPublisher();
        channel.close();
        publisher.subscribe(recorder);
        recorder.over.await();
        assertEquals(null, recorder.error);
    }

    @Test
    void anExecutorThatRefusesIsTold() throws Exception {
        var channel = Broadcast.<Integer>create(4);
        channel.asPublisher(
                        task -> {
                            throw new RejectedExecutionException("full");
                        })
                .subscribe(recorder);
        recorder.over.await();
        assertInstanceOf(RejectedExecutionException.class, recorder.error);
        assertEquals(0, channel.subscribers());
    }

    @Test
    void aSubscriberThatThrowsHasEndedItsSubscription() throws Exception {
        var state = Watch.of(1);
        state.asPublisher()
                .subscribe(
                        new Flow.Subscriber<>() {
                            @Override
                            public void onSubscribe(Flow.Subscription s) {
                                s.request(5);
                            }

                            @Override
                            public void onNext(Integer message) {
                                throw new IllegalStateException("on purpose");
                            }

                            @Override
                            public void onError(Throwable e) {
                                throw new AssertionError(e);
                            }

                            @Override
                            public void onComplete() {
                                throw new AssertionError("not closed");
                            }
                        });
        state.awaitNoReceivers();
    }

    @Test
    void onARuntimeFibersOfTheRuntimeDeliver() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var channel = Broadcast.<Integer>create(64);
            var names = new LinkedBlockingQueue<Boolean>();
            rt.blockOn(
                    () -> {
                        channel.asPublisher()
                                .subscribe(
                                        new Flow.Subscriber<Integer>() {
                                            @Override
                                            public void onSubscribe(Flow.Subscription s) {
                                                s.request(Long.MAX_VALUE);
                                            }

                                            @Override
                                            public void onNext(Integer message) {
                                                names.add(Handle.tryCurrent().isPresent());
                                            }

                                            @Override
                                            public void onError(Throwable e) {
                                                throw new AssertionError(e);
                                            }

                                            @Override
                                            public void onComplete() {
                                                names.add(false);
                                            }
                                        });
                        return true;
                    });
            channel.send(1);
            assertTrue(names.take());
            channel.close();
        }
    }

    @Test
    void manyMessagesThroughManySubscribersKeepTheirOrder() throws Exception {
        var channel = Mpmc.<Integer>bounded(16);
        var all = new ArrayList<Recorder<Integer>>();
        for (int i = 0; i < 3; i++) {
            var r = new Recorder<Integer>();
            channel.receiver().asPublisher().subscribe(r);
            r.subscription().request(Long.MAX_VALUE);
            all.add(r);
        }
        try (var tx = channel.sender()) {
            for (int i = 0; i < 20_000; i++) {
                tx.send(i);
            }
        }
        int received = 0;
        for (var r : all) {
            r.over.await();
            int last = -1;
            for (int m : r.messages) {
                assertTrue(m > last);
                last = m;
                received++;
            }
        }
        assertEquals(20_000, received);
    }
}
