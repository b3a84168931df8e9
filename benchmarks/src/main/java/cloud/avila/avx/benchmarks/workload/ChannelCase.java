package cloud.avila.avx.benchmarks.workload;

import java.util.Arrays;

/** The cases of the group {@code channel}: five producers and one consumer, all of them fibers. */
public enum ChannelCase {
    /** A channel that holds at most 1000 messages. */
    MPSC_BOUNDED("mpsc-bounded", 1_000),
    /** A channel without bound. */
    MPSC_UNBOUNDED("mpsc-unbounded", Integer.MAX_VALUE);

    private static final int MESSAGES = 50_000;
    private static final int PRODUCERS = 5;
    private static final int MESSAGES_EACH = MESSAGES / PRODUCERS;

    private final String id;
    private final int capacity;

    ChannelCase(String id, int capacity) {
        this.id = id;
        this.capacity = capacity;
    }

    /**
     * Finds a case.
     *
     * @param id its name on the command line
     * @return the case
     * @throws IllegalArgumentException if there is none of that name
     */
    public static ChannelCase of(String id) {
        return Arrays.stream(values())
                .filter(c -> c.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no case " + id));
    }

    Workload open(String contestant, int workers) {
        Pipe.Factory pipes = Pipe.Factory.of(contestant);
        Contestant fibers = Pipe.Factory.openFibers(contestant, workers);
        return new TimedRuns(id, MESSAGES, fibers, () -> run(fibers, pipes));
    }

    /**
     * Sends and receives all messages once, from a thread outside the contestant, and checks their
     * sum.
     *
     * @param spawner runs producers and consumer
     * @param pipes makes the channel to go through
     * @throws InterruptedException if interrupted while waiting for the end
     * @throws IllegalStateException if a message was lost, doubled or changed
     */
    void run(Spawner spawner, Pipe.Factory pipes) throws InterruptedException {
        var tally = new Tally(1, PRODUCERS * SpawnCase.sumBelow(MESSAGES_EACH));
        spawner.spawn(
                () -> {
                    Pipe pipe = pipes.open(capacity);
                    for (int p = 0; p < PRODUCERS; p++) {
                        spawner.spawn(() -> produce(pipe));
                    }
                    tally.add(consume(pipe));
                });
        tally.await();
    }

    private static void produce(Pipe pipe) {
        try {
            for (int i = 0; i < MESSAGES_EACH; i++) {
                pipe.send(i);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }

    private static long consume(Pipe pipe) {
        try {
            long sum = 0;
            for (int i = 0; i < MESSAGES; i++) {
                sum += pipe.receive();
            }
            return sum;
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }
}
