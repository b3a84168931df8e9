package cloud.avila.avx.sample.ingest;

import cloud.avila.avx.channel.ChannelClosedException;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Receiver;
import cloud.avila.avx.channel.RecvResult;
import cloud.avila.avx.channel.SendResult;
import cloud.avila.avx.channel.Sender;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;

/** The bounded queue between listeners and the pipeline: many senders, one receiver. */
public final class IngestQueue {
    private final Mpsc<QueuedSample> channel;
    private final Sender<QueuedSample> sender;
    private final Receiver<QueuedSample> receiver;

    /**
     * Creates a queue.
     *
     * @param capacity the most samples it holds
     */
    public IngestQueue(int capacity) {
        channel = Mpsc.bounded(capacity);
        sender = channel.sender();
        receiver = channel.receiver();
    }

    /**
     * Adds a sample, waiting while the queue is full.
     *
     * @param sample the sample
     * @return false if the queue is closed
     * @throws InterruptedException if interrupted while waiting
     */
    public boolean put(QueuedSample sample) throws InterruptedException {
        try {
            sender.send(sample);
            return true;
        } catch (ChannelClosedException e) {
            return false;
        }
    }

    /**
     * Adds a sample if there is room.
     *
     * @param sample the sample
     * @return what became of it
     */
    public SendResult offer(QueuedSample sample) {
        return sender.trySend(sample);
    }

    /**
     * Takes what is there, waiting for the first sample. For the one receiver.
     *
     * @param into receives the samples
     * @param max the most to take
     * @param timeout the longest wait; zero does not wait
     * @return the number taken, 0 after a timeout, or -1 if the queue is closed and drained
     * @throws InterruptedException if interrupted while waiting
     */
    public int take(List<QueuedSample> into, int max, Duration timeout)
            throws InterruptedException {
        try {
            into.add(receiver.recv(timeout));
        } catch (TimeoutException e) {
            return 0;
        } catch (ChannelClosedException e) {
            return -1;
        }
        int taken = 1;
        while (taken < max
                && receiver.tryRecv() instanceof RecvResult.Received<QueuedSample>(var sample)) {
            into.add(sample);
            taken++;
        }
        return taken;
    }

    /** Refuses further samples; those inside can still be taken. */
    public void close() {
        sender.close();
    }

    /**
     * Samples waiting now.
     *
     * @return their number
     */
    public int depth() {
        return channel.length();
    }

    /**
     * The most samples the queue holds.
     *
     * @return the capacity
     */
    public int capacity() {
        return channel.capacity();
    }
}
