package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Parker;

import org.jspecify.annotations.Nullable;

import java.util.Collection;

/** The live fibers of a simulation as text: name, state, what it waits on, stack. */
final class FiberListing {
    private static final int MOST_FIBERS = 100;
    private static final int MOST_FRAMES = 24;

    private FiberListing() {}

    static String of(Collection<SimulatedFiber> fibers) {
        var text = new StringBuilder();
        int listed = 0;
        for (SimulatedFiber fiber : fibers) {
            if (listed++ == MOST_FIBERS) {
                text.append("  and ").append(fibers.size() - MOST_FIBERS).append(" more\n");
                break;
            }
            list(fiber, fibers, text);
        }
        return text.toString();
    }

    private static void holder(
            @Nullable Thread holder, Collection<SimulatedFiber> all, StringBuilder text) {
        for (SimulatedFiber fiber : all) {
            if (holder != null && fiber.thread == holder) {
                text.append(", held by ").append(fiber.name);
            }
        }
    }

    private static void list(
            SimulatedFiber fiber, Collection<SimulatedFiber> all, StringBuilder text) {
        text.append("  ").append(fiber.name).append(" on ").append(fiber.host);
        Thread thread = fiber.thread;
        if (thread == null) {
            text.append(", a virtual thread that this JDK does not show\n");
            return;
        }
        text.append(", ").append(thread.getState());
        Object blocker = Parker.blockerOf(thread);
        if (blocker != null) {
            text.append(", waits on ").append(blocker);
            if (blocker instanceof Blocker b) {
                holder(b.holder(), all, text);
            }
        }
        text.append('\n');
        StackTraceElement[] stack = thread.getStackTrace();
        for (int i = 0; i < Math.min(stack.length, MOST_FRAMES); i++) {
            text.append("      at ").append(stack[i]).append('\n');
        }
        if (stack.length > MOST_FRAMES) {
            text.append("      and ").append(stack.length - MOST_FRAMES).append(" more\n");
        }
    }
}
