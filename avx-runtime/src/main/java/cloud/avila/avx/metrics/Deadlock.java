package cloud.avila.avx.metrics;

import java.util.List;

/**
 * Threads that wait for each other in a circle: each waits, without a limit, for what the next one
 * holds or is, and the last one for the first. None of them goes on unless it is interrupted.
 *
 * <p>Found are circles of {@code Mutex}, of {@code RwLock} held for writing or upgradeable reading,
 * and of joins, mixed. Not found are those that go through anything else: a plain read lock, a lock
 * of {@code java.util.concurrent}, a monitor, a channel.
 *
 * @param members the circle, in order
 */
public record Deadlock(List<Member> members) {
    /**
     * One of the threads.
     *
     * @param name the name of its task, or of the thread if it runs no task of this runtime
     * @param id the number of its task; 0 if it runs none of this runtime
     * @param thread the number of the thread, as in the JDK's thread dumps
     * @param waitsOn what it waits on; held by the next member
     * @param stack its frames, the innermost first
     */
    public record Member(
            String name, long id, long thread, Wait waitsOn, List<StackTraceElement> stack) {
        /** Keeps its own copy of the list. */
        public Member {
            stack = List.copyOf(stack);
        }
    }

    /** Keeps its own copy of the list. */
    public Deadlock {
        members = List.copyOf(members);
    }

    /**
     * The circle in words, with stacks.
     *
     * @return several lines
     */
    @Override
    public String toString() {
        var out = new StringBuilder();
        out.append("Deadlock of ").append(members.size()).append(":\n");
        for (Member member : members) {
            out.append("  \"")
                    .append(Json.printable(member.name))
                    .append('"')
                    .append(FiberDump.number(member.id))
                    .append(" waits on ")
                    .append(Json.printable(member.waitsOn.toString()))
                    .append('\n');
            FiberDump.appendStack(out, member.stack);
        }
        return out.toString();
    }
}
