package cloud.avila.avx.time;

import java.time.Duration;

/**
 * A tick of an {@link Interval}.
 *
 * @param number how many ticks were taken before, from 0
 * @param late how long after it was due the tick was taken
 * @param missed how many ticks were due before this one was taken and are left out by {@link
 *     MissedTicks#SKIP} or {@link MissedTicks#DELAY}; 0 with {@link MissedTicks#BURST}
 */
public record Tick(long number, Duration late, long missed) {}
