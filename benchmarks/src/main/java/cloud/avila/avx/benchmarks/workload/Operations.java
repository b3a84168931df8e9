package cloud.avila.avx.benchmarks.workload;

/** How many operations one run of each shape performs. */
public final class Operations {
    /** Tasks of a spawn case. */
    public static final int SPAWNS = 10_000;

    /** Links of a chain. */
    public static final int LINKS = 1_000;

    /** Pings of a ping-pong. */
    public static final int PINGS = 1_000;

    /** Turns of a token, both sides together. */
    public static final int TURNS = 100_000;

    /** Yields, all fibers together. */
    public static final int YIELDS = 200_000;

    /** Messages through a channel, all producers together. */
    public static final int MESSAGES = 50_000;

    private Operations() {}
}
