package cloud.avila.avx.metrics;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What the workers and the live tasks of a runtime were doing. Tasks are looked at one after the
 * other while they go on, so two entries may not fit each other; each entry is of one task, and a
 * {@link Deadlock} was real.
 *
 * @param runtime the runtime's name
 * @param time when it was taken
 * @param live tasks accepted and not yet ended, jobs included
 * @param workers one entry for each worker
 * @param injectionQueueDepth tasks waiting in the injection queue
 * @param interactiveQueueDepth tasks waiting in the interactive lane
 * @param backgroundQueueDepth tasks waiting in the background lane
 * @param blockingQueueDepth tasks waiting for a blocking thread
 * @param states how many tasks were in each state, whether they are listed or not
 * @param tasks those that were asked for, the oldest first
 * @param omitted how many more were asked for than may be listed
 * @param deadlocks tasks that wait for each other, whether they are listed or not
 */
public record FiberDump(
        String runtime,
        Instant time,
        long live,
        List<WorkerMetrics> workers,
        long injectionQueueDepth,
        long interactiveQueueDepth,
        long backgroundQueueDepth,
        long blockingQueueDepth,
        Map<TaskState, Long> states,
        List<TaskSnapshot> tasks,
        long omitted,
        List<Deadlock> deadlocks) {

    /**
     * Which tasks to list, and how much of them: what bounds the size of a dump.
     *
     * @param maxTasks how many tasks at most; the oldest ones are taken
     * @param maxStacks for how many of them the stack is taken, from the oldest on; each one stops
     *     its thread for some microseconds
     * @param stackDepth how many frames of a stack at most, the innermost ones
     * @param nameContains only tasks in whose name this occurs; empty for all
     * @param states only tasks in one of these states
     */
    public record Options(
            int maxTasks,
            int maxStacks,
            int stackDepth,
            String nameContains,
            Set<TaskState> states) {

        private static final Options DEFAULTS =
                new Options(1_000, 100, 64, "", EnumSet.allOf(TaskState.class));

        /**
         * Checks the numbers, and keeps its own copy of the set.
         *
         * @throws IllegalArgumentException if a number is negative
         */
        public Options {
            checkNotNegative(maxTasks, "maxTasks");
            checkNotNegative(maxStacks, "maxStacks");
            checkNotNegative(stackDepth, "stackDepth");
            Objects.requireNonNull(nameContains, "nameContains");
            states = Set.copyOf(states);
        }

        private static void checkNotNegative(int value, String name) {
            if (value < 0) {
                throw new IllegalArgumentException(name + ": " + value + " (expected: >= 0)");
            }
        }

        /**
         * 1000 tasks of any name and state, 100 of them with up to 64 frames.
         *
         * @return the defaults
         */
        public static Options defaults() {
            return DEFAULTS;
        }

        /**
         * With another bound of tasks.
         *
         * @param max zero or more
         * @return changed options
         */
        public Options withMaxTasks(int max) {
            return new Options(max, maxStacks, stackDepth, nameContains, states);
        }

        /**
         * With another bound of stacks.
         *
         * @param max zero or more
         * @return changed options
         */
        public Options withMaxStacks(int max) {
            return new Options(maxTasks, max, stackDepth, nameContains, states);
        }

        /**
         * With another bound of frames.
         *
         * @param depth zero or more
         * @return changed options
         */
        public Options withStackDepth(int depth) {
            return new Options(maxTasks, maxStacks, depth, nameContains, states);
        }

        /**
         * Only tasks in whose name something occurs.
         *
         * @param part part of a name, or empty for all tasks
         * @return changed options
         */
        public Options withNameContaining(String part) {
            return new Options(maxTasks, maxStacks, stackDepth, part, states);
        }

        /**
         * Only tasks in certain states.
         *
         * @param first a state
         * @param others further ones
         * @return changed options
         */
        public Options withStates(TaskState first, TaskState... others) {
            return new Options(
                    maxTasks, maxStacks, stackDepth, nameContains, EnumSet.of(first, others));
        }
    }

    /** Keeps its own copies of the collections. */
    public FiberDump {
        workers = List.copyOf(workers);
        var sorted = new EnumMap<TaskState, Long>(TaskState.class);
        sorted.putAll(states);
        states = Collections.unmodifiableMap(sorted);
        tasks = List.copyOf(tasks);
        deadlocks = List.copyOf(deadlocks);
    }

    // --- as text ---

    /**
     * The dump for people: workers first, then tasks with what they wait on and their stacks, then
     * deadlocks. Control characters in names are escaped, so a line is what it seems to be. The
     * form may change.
     *
     * @return several lines
     */
    public String toText() {
        var out = new StringBuilder();
        out.append("Runtime \"")
                .append(Json.printable(runtime))
                .append("\" at ")
                .append(time)
                .append(": ")
                .append(live)
                .append(" live tasks\n");
        for (WorkerMetrics worker : workers) {
            out.append("  worker ")
                    .append(Json.printable(worker.threadName()))
                    .append(": ")
                    .append(worker.state().name().toLowerCase(Locale.ROOT))
                    .append(", ")
                    .append(worker.localQueueDepth())
                    .append(" queued\n");
        }
        out.append("  queued elsewhere: ")
                .append(injectionQueueDepth)
                .append(" injected, ")
                .append(interactiveQueueDepth)
                .append(" interactive, ")
                .append(backgroundQueueDepth)
                .append(" background, ")
                .append(blockingQueueDepth)
                .append(" blocking\n  tasks:");
        String separator = " ";
        for (var entry : states.entrySet()) {
            out.append(separator).append(entry.getValue()).append(' ');
            out.append(entry.getKey().label());
            separator = ", ";
        }
        out.append('\n');
        for (TaskSnapshot task : tasks) {
            appendTask(out, task);
        }
        if (omitted > 0) {
            out.append("\nand ").append(omitted).append(" more tasks, younger than these\n");
        }
        for (Deadlock deadlock : deadlocks) {
            out.append('\n').append(deadlock);
        }
        return out.toString();
    }

    private static void appendTask(StringBuilder out, TaskSnapshot task) {
        out.append("\n\"")
                .append(Json.printable(task.name()))
                .append('"')
                .append(number(task.id()))
                .append(' ')
                .append(task.kind().label())
                .append(", ")
                .append(task.lane())
                .append(", ")
                .append(task.state().label());
        if (task.cancelled()) {
            out.append(", cancelled");
        }
        if (task.worker() != null) {
            out.append(" on ").append(Json.printable(task.worker()));
        }
        long millis = task.age().toMillis();
        out.append(", age ").append(millis / 1_000).append('.');
        out.append(Long.toString(1_000 + millis % 1_000), 1, 4).append(" s");
        if (task.thread() != 0) {
            out.append(", thread ").append(task.thread());
        }
        out.append('\n');
        if (task.waitsOn() != null) {
            out.append("    waits on ").append(Json.printable(task.waitsOn().toString()));
            out.append('\n');
        }
        appendStack(out, task.stack());
    }

    static void appendStack(StringBuilder out, List<StackTraceElement> stack) {
        for (StackTraceElement frame : stack) {
            out.append("    at ").append(frame).append('\n');
        }
    }

    static String number(long id) {
        return id == 0 ? "" : " #" + id;
    }

    // --- as JSON ---

    /**
     * The dump for programs: one JSON object (RFC 8259) with members named as the components of the
     * records here. Durations are in seconds, {@code time} is an ISO 8601 instant, enumeration
     * constants are by name, frames are strings in the form of {@link
     * StackTraceElement#toString()}.
     *
     * @return the text, ASCII only
     */
    public String toJson() {
        var json = new Json();
        json.beginObject();
        json.name("runtime").string(runtime);
        json.name("time").string(time.toString());
        json.name("live").number(live);
        json.name("workers").beginArray();
        for (WorkerMetrics worker : workers) {
            json.beginObject();
            json.name("index").number(worker.index());
            json.name("threadName").string(worker.threadName());
            json.name("state").string(worker.state().name());
            json.name("localQueueDepth").number(worker.localQueueDepth());
            json.endObject();
        }
        json.endArray();
        json.name("injectionQueueDepth").number(injectionQueueDepth);
        json.name("interactiveQueueDepth").number(interactiveQueueDepth);
        json.name("backgroundQueueDepth").number(backgroundQueueDepth);
        json.name("blockingQueueDepth").number(blockingQueueDepth);
        json.name("states").beginObject();
        states.forEach((state, count) -> json.name(state.name()).number(count));
        json.endObject();
        json.name("tasks").beginArray();
        tasks.forEach(task -> write(json, task));
        json.endArray();
        json.name("omitted").number(omitted);
        json.name("deadlocks").beginArray();
        deadlocks.forEach(deadlock -> write(json, deadlock));
        json.endArray();
        json.endObject();
        return json.toString();
    }

    private static void write(Json json, TaskSnapshot task) {
        json.beginObject();
        json.name("id").number(task.id());
        json.name("name").string(task.name());
        json.name("kind").string(task.kind().name());
        json.name("lane").string(task.lane());
        json.name("state").string(task.state().name());
        json.name("cancelled").bool(task.cancelled());
        json.name("age").seconds(task.age());
        json.name("thread").number(task.thread());
        json.name("worker").string(task.worker());
        json.name("waitsOn");
        write(json, task.waitsOn());
        json.name("stack");
        write(json, task.stack());
        json.endObject();
    }

    private static void write(Json json, Deadlock deadlock) {
        json.beginObject();
        json.name("members").beginArray();
        for (Deadlock.Member member : deadlock.members()) {
            json.beginObject();
            json.name("name").string(member.name());
            json.name("id").number(member.id());
            json.name("thread").number(member.thread());
            json.name("waitsOn");
            write(json, member.waitsOn());
            json.name("stack");
            write(json, member.stack());
            json.endObject();
        }
        json.endArray();
        json.endObject();
    }

    private static void write(Json json, @Nullable Wait wait) {
        if (wait == null) {
            json.string(null);
            return;
        }
        json.beginObject();
        json.name("blocker").string(wait.blocker());
        json.name("description").string(wait.description());
        json.name("holder").string(wait.holder());
        json.name("holderId").number(wait.holderId());
        json.endObject();
    }

    private static void write(Json json, List<StackTraceElement> stack) {
        json.beginArray();
        stack.forEach(frame -> json.string(frame.toString()));
        json.endArray();
    }
}
