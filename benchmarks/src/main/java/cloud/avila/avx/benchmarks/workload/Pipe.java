package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.channel.Mpmc;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.channel.Sender;

import com.softwaremill.jox.Channel;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;

/** A channel, as the workloads use it. */
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
         * The channels of a contestant. AVX's have one receiver; see {@link #shared}.
         *
         * @param contestant {@code avx}, {@code jox}, or a queue of the JDK: {@code linked-queue},
         *     {@code array-queue} or {@code synchronous-queue}
         * @return what makes them
         * @throws IllegalArgumentException if there is none of that name
         */
        static Factory of(String contestant) {
            return switch (contestant) {
                case "avx" -> AvxMpsc::new;
                case "linked-queue" -> LinkedQueue::new;
                case "array-queue" -> c -> new Queue(new ArrayBlockingQueue<>(c));
                case "synchronous-queue" -> c -> new Queue(new SynchronousQueue<>());
                case "jox" -> Jox::new;
                default -> throw new IllegalArgumentException("no channel of " + contestant);
            };
        }

        /**
         * The channels of a contestant that any number may receive from.
         *
         * @param contestant as for {@link #of}
         * @return what makes them; a capacity of 0 is a rendezvous
         * @throws IllegalArgumentException if there is none of that name
         */
        static Factory shared(String contestant) {
            return contestant.equals("avx") ? AvxMpmc::new : of(contestant);
        }

        /**
         * Starts what runs the fibers around a contestant's channels.
         *
         * @param contestant as for {@link #of}; all but AVX's are used from the JDK's
         * @param workers how many threads run fibers
         * @return the running contestant
         */
        static Contestant openFibers(String contestant, int workers) {
            String fibers = contestant.equals("avx") ? "avx" : "jdk-virtual";
            return Contestant.open(fibers, Contestant.Kind.FIBER, workers);
        }
    }

    /** A queue of the JDK. */
    class Queue implements Pipe {
        private final BlockingQueue<Integer> queue;

        Queue(BlockingQueue<Integer> queue) {
            this.queue = queue;
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

    /** The JDK's {@link LinkedBlockingQueue}. */
    final class LinkedQueue extends Queue {
        LinkedQueue(int capacity) {
            super(new LinkedBlockingQueue<>(capacity));
        }
    }

    /** A channel of jox. */
    final class Jox implements Pipe {
        private final Channel<Integer> channel;

        Jox(int capacity) {
            channel =
                    capacity == 0
                            ? Channel.newRendezvousChannel()
                            : Channel.newBufferedChannel(capacity);
        }

        @Override
        public void send(Integer message) throws InterruptedException {
            channel.send(message);
        }

        @Override
        public Integer receive() throws InterruptedException {
            return channel.receive();
        }
    }

    /** AVX's {@link Mpmc}. */
    final class AvxMpmc implements Pipe {
        private final Sender<Integer> sender;
        private final Receiver<Integer> receiver;

        AvxMpmc(int capacity) {
            Mpmc<Integer> channel = capacity == 0 ? Mpmc.rendezvous() : Mpmc.bounded(capacity);
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
