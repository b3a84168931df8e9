package cloud.avila.avx.internal.simulation;

import java.util.random.RandomGenerator;

/**
 * Random numbers by SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", 2014): the same for the same seed on every JDK.
 */
final class SeededRandom implements RandomGenerator {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private long state;

    SeededRandom(long seed) {
        this.state = seed;
    }

    @Override
    public long nextLong() {
        state += GOLDEN_GAMMA;
        return mix(state);
    }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    /** Another sequence that depends on this one, and draws nothing from it later. */
    SeededRandom split() {
        return new SeededRandom(mix(nextLong() ^ GOLDEN_GAMMA));
    }
}
