package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.channel.Sender;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A channel with many senders and one receiver. */
public interface Pipe {
    /**
     * Sends, waiting while the channel is full.
     *
     * @param message what to send
     * @throws InterruptedException if interrupted while waiting
     */
    void send(Integer message) throws InterruptedException;

    /**
     * Receives, waiting while the channel is empty.
     *
     * @return the next message
     * @throws InterruptedException if interrupted while waiting
     */
    Integer receive() throws InterruptedException;

    /** Makes channels. */
    @FunctionalInterface
    interface Factory {
        /**
         * Makes a channel.
         *
         * @param capacity most messages it holds; {@link Integer#MAX_VALUE} for no bound
         * @return an empty channel
         */
        Pipe open(int capacity);

        /**
         * The channels of a contestant.
         *
         * @param contestant {@code avx} or {@code linked-queue}
         * @return what makes them
         * @throws IllegalArgumentException if there is none of that name
         */
        static Factory of(String contestant) {
            return switch (contestant) {
                case "avx" -> AvxMpsc::new;
                case "linked-queue" -> LinkedQueue::new;
                default -> throw new IllegalArgumentException("no channel of " + contestant);
            };
        }

        /**
         * Starts what runs the fibers around a contestant's channels.
         *
         * @param contestant {@code avx} or {@code linked-queue}
         * @param workers how many threads run fibers
         * @return the running contestant
         */
        static Contestant openFibers(String contestant, int workers) {
            String fibers = contestant.equals("linked-queue") ? "jdk-virtual" : contestant;
            return Contestant.open(fibers, Contestant.Kind.FIBER, workers);
        }
    }

    /** The JDK's {@link LinkedBlockingQueue}. */
    final class LinkedQueue implements Pipe {
        private final BlockingQueue<Integer> queue;

        LinkedQueue(int capacity) {
            queue = new LinkedBlockingQueue<>(capacity);
        }

        @Override
        public void send(Integer message) throws InterruptedException {
            queue.put(message);
        }

        @Override
        public Integer receive() throws InterruptedException {
            return queue.take();
        }
    }

    /** AVX's {@link Mpsc}, one sender shared by all producers. */
    final class AvxMpsc implements Pipe {
        private final Sender<Integer> sender;
        private final Receiver<Integer> receiver;

        AvxMpsc(int capacity) {
            Mpsc<Integer> channel =
                    capacity == Integer.MAX_VALUE ? Mpsc.unbounded() : Mpsc.bounded(capacity);
            sender = channel.sender();
            receiver = channel.receiver();
        }

        @Override
        public void send(Integer message) throws InterruptedException {
            sender.send(message);
        }

        @Override
        public Integer receive() throws InterruptedException {
            return receiver.recv();
        }
    }
}
