package cloud.avila.avx.internal.scheduler;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * An owner that pushes into a deque of four slots until it grows, takes, and clears what others
 * took; a thief that takes half. Every element comes out once, with what was written into it
 * before.
 */
@JCStressTest
@Outcome(id = "15, 0, 0", expect = Expect.ACCEPTABLE, desc = "each of the five once")
@Outcome(expect = Expect.FORBIDDEN, desc = "lost, twice, or unpublished")
@State
public class DequeTheft {
    private static final class Element {
        int number;
    }

    private final ChaseLevDeque<Element> deque = new ChaseLevDeque<>(4);
    private final ChaseLevDeque<Element> loot = new ChaseLevDeque<>(4);
    private final int[] seenByOwner = new int[6];
    private final int[] seenByThief = new int[6];

    private static void see(int[] seen, Element element) {
        seen[element.number]++;
    }

    /** Pushes five, takes two. */
    @Actor
    public void owner() {
        for (int i = 1; i <= 5; i++) {
            Element element = new Element();
            element.number = i;
            deque.push(element);
            if (i == 2 || i == 4) {
                Element taken = deque.take();
                if (taken != null) {
                    see(seenByOwner, taken);
                }
            }
        }
        deque.clearTaken();
    }

    /** Raids twice. */
    @Actor
    public void thief() {
        for (int i = 0; i < 2; i++) {
            Element first = deque.stealHalf(loot);
            if (first != null) {
                see(seenByThief, first);
                for (Element e; (e = loot.take()) != null; ) {
                    see(seenByThief, e);
                }
            }
        }
    }

    /** Takes the rest and adds up. */
    @Arbiter
    public void arbiter(III_Result r) {
        for (Element e; (e = deque.take()) != null; ) {
            see(seenByOwner, e);
        }
        for (int i = 0; i <= 5; i++) {
            int times = seenByOwner[i] + seenByThief[i];
            r.r1 += i * Math.min(1, times);
            r.r2 += Math.max(0, times - 1);
        }
        r.r3 = seenByOwner[0] + seenByThief[0];
    }
}
