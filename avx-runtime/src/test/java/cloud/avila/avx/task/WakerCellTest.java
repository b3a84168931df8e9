package cloud.avila.avx.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A {@link WakerCell} is a register of one waker, and loses no wake-up. */
@Param(name = "waker", gen = IntGen.class, conf = "0:2")
public class WakerCellTest {
    private record Numbered(int number) implements Waker {
        @Override
        public void wake() {}
    }

    private static final List<Numbered> WAKERS =
            List.of(new Numbered(0), new Numbered(1), new Numbered(2));

    private final WakerCell cell = new WakerCell();

    /** Registers. */
    @Operation
    public void register(@Param(name = "waker") int number) {
        cell.register(WAKERS.get(number));
    }

    /** Takes. */
    @Operation
    public int take() {
        return cell.take() instanceof Numbered(int number) ? number : -1;
    }

    /** Wakes. */
    @Operation
    public boolean wake() {
        return cell.wake();
    }

    @Test
    void isLinearizableByModelChecking() {
        Checks.modelCheck(WakerCellTest.class, Specification.class);
    }

    @Test
    void isLinearizableUnderStress() {
        Checks.stress(WakerCellTest.class, Specification.class);
    }

    /** What a cell does. */
    public static class Specification {
        private int number = -1;

        /** Registers. */
        public void register(int newNumber) {
            number = newNumber;
        }

        /** Takes. */
        public int take() {
            int taken = number;
            number = -1;
            return taken;
        }

        /** Wakes. */
        public boolean wake() {
            return take() >= 0;
        }
    }

    @Test
    void wakesWhatIsRegisteredOnce() {
        var first = new AtomicInteger();
        var second = new AtomicInteger();
        Waker one = first::incrementAndGet;
        var c = new WakerCell();
        assertFalse(c.wake());
        c.register(one);
        c.register(one);
        assertTrue(c.wake());
        assertFalse(c.wake());
        assertEquals(1, first.get());
        c.register(one);
        c.register(second::incrementAndGet);
        assertTrue(c.wake());
        assertEquals(1, first.get());
        assertEquals(1, second.get());
        c.register(one);
        assertSame(one, c.take());
        assertNull(nothing(c));
    }

    private static @Nullable Waker nothing(WakerCell c) {
        return c.take();
    }

    @Test
    void aWakerWakesWhatItIs() {
        Waker one = () -> {};
        Waker other = new Numbered(1);
        assertTrue(one.willWake(one));
        assertFalse(one.willWake(other));
        var count = new AtomicInteger();
        Waker counting = count::incrementAndGet;
        counting.wakeByRef();
        counting.wake();
        assertEquals(2, count.get());
    }
}
