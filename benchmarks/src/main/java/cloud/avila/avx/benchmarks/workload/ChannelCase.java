package cloud.avila.avx.benchmarks.workload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The cases of the group {@code channel} in which integers go through channels between fibers. */
public enum ChannelCase {
    /** Five producers, one consumer, and a channel that holds at most 1000 messages. */
    MPSC_BOUNDED("mpsc-bounded", Shape.MANY_TO_ONE, 1_000),
    /** The same with a channel without bound. */
    MPSC_UNBOUNDED("mpsc-unbounded", Shape.MANY_TO_ONE, Integer.MAX_VALUE),
    /** The same with a channel that is mostly full. */
    MPSC_FULL("mpsc-full", Shape.MANY_TO_ONE, 100),
    /** Making channels that could hold 1000 messages. */
    MPSC_CREATE("mpsc-create", Shape.CREATE, 1_000),
    /** One fiber that sends 5000 messages and receives them afterwards. */
    MPSC_ALONE_BOUNDED("mpsc-alone-bounded", Shape.ALONE, 5_000),
    /** The same with a channel without bound. */
    MPSC_ALONE_UNBOUNDED("mpsc-alone-unbounded", Shape.ALONE, Integer.MAX_VALUE),
    /** Five producers and four consumers. */
    MPMC_BOUNDED("mpmc-bounded", Shape.MANY_TO_MANY, 1_000),
    /** One producer, one consumer, nothing in between. */
    RENDEZVOUS("rendezvous", Shape.PAIR, 0),
    /** One producer, one consumer. */
    BUFFERED_16("buffered-16", Shape.PAIR, 16),
    /** One producer, one consumer. */
    BUFFERED_100("buffered-100", Shape.PAIR, 100),
    /** A thousand fibers in a row that pass messages on, from hand to hand. */
    CHAINED_0("chained-0", Shape.CHAIN, 0),
    /** A thousand fibers in a row that pass messages on. */
    CHAINED_16("chained-16", Shape.CHAIN, 16);

    private static final int PRODUCERS = 5;
    private static final int CONSUMERS = 4;

    private final String id;
    private final Shape shape;
    private final int capacity;

    ChannelCase(String id, Shape shape, int capacity) {
        this.id = id;
        this.shape = shape;
        this.capacity = capacity;
    }

    private enum Shape {
        CREATE(10_000, false),
        ALONE(5_000, false),
        MANY_TO_ONE(50_000, false),
        MANY_TO_MANY(50_000, true),
        PAIR(50_000, true),
        CHAIN(100_000, true);

        final int operations;
        final boolean shared;

        Shape(int operations, boolean shared) {
            this.operations = operations;
            this.shared = shared;
        }
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
        Pipe.Factory pipes =
                shape.shared ? Pipe.Factory.shared(contestant) : Pipe.Factory.of(contestant);
        Contestant fibers = Pipe.Factory.openFibers(contestant, workers);
        return new TimedRuns(id, shape.operations, fibers, () -> run(fibers, pipes));
    }

    /**
     * Sends and receives all messages once, from a thread outside the contestant, and checks their
     * sum.
     *
     * @param spawner runs producers and consumers
     * @param pipes makes the channels to go through
     * @throws InterruptedException if interrupted while waiting for the end
     * @throws IllegalStateException if a message was lost, doubled or changed
     */
    void run(Spawner spawner, Pipe.Factory pipes) throws InterruptedException {
        switch (shape) {
            case CREATE -> create(pipes);
            case ALONE -> transfer(spawner, pipes, 0, 1);
            case PAIR -> transfer(spawner, pipes, 1, 1);
            case MANY_TO_ONE -> transfer(spawner, pipes, PRODUCERS, 1);
            case MANY_TO_MANY -> transfer(spawner, pipes, PRODUCERS, CONSUMERS);
            case CHAIN -> chain(spawner, pipes);
        }
    }

    private void create(Pipe.Factory pipes) {
        List<Pipe> made = new ArrayList<>();
        for (int i = 0; i < shape.operations; i++) {
            Pipe pipe = pipes.open(capacity);
            if ((i & 0xff) == 0) {
                made.add(pipe); // so that making one cannot be left out
            }
        }
        if (made.size() != (shape.operations + 0xff) / 0x100) {
            throw new IllegalStateException("made " + made.size());
        }
    }

    /** Without producers the consumer sends first, all that it will receive. */
    private void transfer(Spawner spawner, Pipe.Factory pipes, int producers, int consumers)
            throws InterruptedException {
        int parts = Math.max(1, producers);
        int each = shape.operations / parts;
        var tally = new Tally(consumers, parts * SpawnCase.sumBelow(each));
        spawner.spawn(
                () -> {
                    Pipe pipe = pipes.open(capacity);
                    for (int p = 0; p < producers; p++) {
                        spawner.spawn(() -> produce(pipe, each));
                    }
                    for (int c = 1; c < consumers; c++) {
                        spawner.spawn(() -> tally.add(consume(pipe, parts * each / consumers)));
                    }
                    if (producers == 0) {
                        produce(pipe, each);
                    }
                    tally.add(consume(pipe, parts * each / consumers));
                });
        tally.await();
    }

    private void chain(Spawner spawner, Pipe.Factory pipes) throws InterruptedException {
        int links = 1_000;
        int messages = shape.operations / links;
        var tally = new Tally(1, SpawnCase.sumBelow(messages));
        spawner.spawn(
                () -> {
                    Pipe first = pipes.open(capacity);
                    Pipe last = first;
                    for (int i = 1; i < links; i++) {
                        Pipe from = last;
                        Pipe to = pipes.open(capacity);
                        spawner.spawn(() -> passOn(from, to, messages));
                        last = to;
                    }
                    spawner.spawn(() -> produce(first, messages));
                    tally.add(consume(last, messages));
                });
        tally.await();
    }

    private static void produce(Pipe pipe, int messages) {
        try {
            for (int i = 0; i < messages; i++) {
                pipe.send(i);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }

    private static void passOn(Pipe from, Pipe to, int messages) {
        try {
            for (int i = 0; i < messages; i++) {
                to.send(from.receive());
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }

    private static long consume(Pipe pipe, int messages) {
        try {
            long sum = 0;
            for (int i = 0; i < messages; i++) {
                sum += pipe.receive();
            }
            return sum;
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }
}
