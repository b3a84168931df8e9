package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.fiber.FiberThreads;
import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.reactor.OpenSocket;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.metrics.FiberDump;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.SocketSnapshot;
import cloud.avila.avx.metrics.TaskKind;
import cloud.avila.avx.metrics.TaskSnapshot;
import cloud.avila.avx.metrics.TaskState;
import cloud.avila.avx.metrics.Wait;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Looks at the live tasks of a scheduler from outside, while they go on: what each does, and which
 * wait for each other in a circle. Costs the tasks nothing but the safepoint at which a stack is
 * taken.
 */
final class TaskInspector {
    /*
     * Overview.
     *
     * A task's thread may be another task's by the time its state and stack have been read. A task
     * gives its thread up before the thread goes on, and taking a stack synchronises with the
     * thread; so who finds after all looks that the task still has the thread has seen the task.
     *
     * Deadlocks. Each waiting thread has at most one edge: to the thread that can end its wait,
     * Blocker.holder(). A circle of such edges, read one after the other, may be one that never
     * was: A waits for B, a moment later B waits for A. So each edge of it is read again, after all
     * of them were read once, and the circle counts only if all are the same: thread, blocker,
     * holder, and the wait without a limit. A blocker is made for one wait, so none of the threads
     * has run between its first and its second look, and at the moment between the two rounds all
     * of them waited at once, each for what the next could end only by running.
     */

    private static final int MAX_DEADLOCKS = 32;
    private static final int MAX_STACKS_OF_A_DEADLOCK = 32;
    private static final int STACK_DEPTH_OF_A_DEADLOCK = 32;

    private static final Comparator<TrackedTask> OLDEST_FIRST =
            (a, b) -> {
                int byAge = Long.signum(a.acceptedNanos - b.acceptedNanos);
                return byAge != 0 ? byAge : Long.compare(a.id(), b.id());
            };

    private static final String OURS = "cloud.avila.avx.";

    private final WorkStealingScheduler scheduler;

    TaskInspector(WorkStealingScheduler scheduler) {
        this.scheduler = scheduler;
    }

    // --- listing ---

    /** What was seen of a task, with threads that are not named yet. */
    private record Seen(
            TrackedTask task,
            TaskState state,
            boolean cancelled,
            @Nullable Thread thread,
            @Nullable Thread carrier,
            @Nullable Object blocker,
            @Nullable Thread holder,
            List<StackTraceElement> stack) {}

    FiberDump dump(FiberDump.Options options) {
        var states = new EnumMap<TaskState, Long>(TaskState.class);
        long matching = 0;
        var oldest =
                new PriorityQueue<TrackedTask>(
                        Math.clamp(options.maxTasks(), 1, 64), OLDEST_FIRST.reversed());
        for (TrackedTask task : liveTasks()) {
            TaskState state = stateOf(task);
            states.merge(state, 1L, Long::sum);
            if (matches(task, state, options)) {
                matching++;
                oldest.add(task);
                if (oldest.size() > options.maxTasks()) {
                    oldest.remove();
                }
            }
        }
        long omitted = matching - oldest.size();
        var listed = new ArrayList<>(oldest);
        listed.sort(OLDEST_FIRST);

        List<Seen> seen = new ArrayList<>();
        Set<Thread> holders = new HashSet<>();
        int stacks = 0;
        for (TrackedTask task : listed) {
            Seen s = look(task, stacks < options.maxStacks() ? options.stackDepth() : 0);
            if (s != null && options.states().contains(s.state)) {
                seen.add(s);
                if (!s.stack.isEmpty()) {
                    stacks++;
                }
                if (s.holder != null) {
                    holders.add(s.holder);
                }
            }
        }
        Map<Thread, TrackedTask> tasks = tasksOf(holders);
        long now = System.nanoTime();
        List<TaskSnapshot> snapshots = new ArrayList<>();
        for (Seen s : seen) {
            snapshots.add(snapshot(s, tasks, now));
        }
        RuntimeMetrics metrics = scheduler.metrics();
        return new FiberDump(
                metrics.runtime(),
                Instant.now(),
                metrics.live(),
                metrics.workers(),
                metrics.injectionQueueDepth(),
                metrics.interactiveQueueDepth(),
                metrics.backgroundQueueDepth(),
                metrics.blockingQueueDepth(),
                states,
                snapshots,
                omitted,
                deadlocks());
    }

    private Set<TrackedTask> liveTasks() {
        Set<TrackedTask> live = Collections.newSetFromMap(new IdentityHashMap<>());
        scheduler.forEachTask(live::add);
        return live;
    }

    private static boolean matches(TrackedTask task, TaskState state, FiberDump.Options options) {
        return options.states().contains(state)
                && (options.nameContains().isEmpty()
                        || task.displayName().contains(options.nameContains()));
    }

    private TaskState stateOf(TrackedTask task) {
        return switch (task.stage()) {
            case QUEUED ->
                    task.kind != TaskKind.POLL_TASK
                            ? TaskState.QUEUED
                            : workerAt(task) == null ? TaskState.READY : TaskState.RUNNING;
            case IDLE -> TaskState.WAITING;
            case STARTED, ENDED -> {
                Thread thread = task.thread();
                yield thread == null ? TaskState.ENDING : stateOf(thread);
            }
        };
    }

    private static TaskState stateOf(Thread thread) {
        return switch (thread.getState()) {
            case NEW -> TaskState.QUEUED;
            case RUNNABLE ->
                    thread.isVirtual()
                                    && FiberThreads.carriersVisible()
                                    && FiberThreads.carrierOf(thread) == null
                            ? TaskState.READY
                            : TaskState.RUNNING;
            case BLOCKED -> TaskState.BLOCKED;
            case WAITING -> TaskState.WAITING;
            case TIMED_WAITING -> TaskState.TIMED_WAITING;
            case TERMINATED -> TaskState.ENDING;
        };
    }

    /** The thread of the worker that is at a step of a task. */
    private @Nullable Thread workerAt(TrackedTask step) {
        for (Worker worker : scheduler.workers) {
            if (worker.runningTask() == step) {
                return worker.thread;
            }
        }
        return null;
    }

    /** Looks at a task and its thread; null if it ended meanwhile. */
    private @Nullable Seen look(TrackedTask task, int stackDepth) {
        boolean cancelled = task.stage() == TrackedTask.Stage.ENDED;
        Thread thread = task.thread();
        TaskState state = stateOf(task);
        if (thread == null) {
            if (task.stage() == TrackedTask.Stage.ENDED
                    && task.ending() != TrackedTask.Ending.CANCELLED) {
                return null;
            }
            Thread carrier = state == TaskState.RUNNING ? workerAt(task) : null;
            return new Seen(task, state, cancelled, null, carrier, null, null, List.of());
        }
        boolean waits = state == TaskState.WAITING || state == TaskState.TIMED_WAITING;
        Object blocker = waits ? Parker.blockerOf(thread) : null;
        Thread holder = blocker instanceof Blocker b ? b.holder() : null;
        Thread carrier = thread.isVirtual() ? FiberThreads.carrierOf(thread) : thread;
        List<StackTraceElement> stack = stackOf(thread, stackDepth);
        return task.thread() == thread
                ? new Seen(task, state, cancelled, thread, carrier, blocker, holder, stack)
                : null;
    }

    private static List<StackTraceElement> stackOf(Thread thread, int depth) {
        if (depth == 0) {
            return List.of();
        }
        StackTraceElement[] stack = thread.getStackTrace();
        return List.of(stack.length <= depth ? stack : Arrays.copyOf(stack, depth));
    }

    private static TaskSnapshot snapshot(Seen s, Map<Thread, TrackedTask> tasks, long now) {
        TrackedTask task = s.task;
        return new TaskSnapshot(
                task.id(),
                task.displayName(),
                task.kind,
                task.lane.name().toLowerCase(Locale.ROOT),
                s.state,
                s.cancelled,
                Duration.ofNanos(Math.max(0, now - task.acceptedNanos)),
                s.thread == null ? 0 : s.thread.threadId(),
                s.carrier == null ? null : s.carrier.getName(),
                s.blocker == null ? null : describe(s.blocker, s.holder, tasks),
                s.stack);
    }

    // --- naming ---

    /** Which task each of these threads runs, if it runs one. */
    private Map<Thread, TrackedTask> tasksOf(Set<Thread> threads) {
        var tasks = new HashMap<Thread, TrackedTask>();
        if (!threads.isEmpty()) {
            scheduler.registry.forEach(
                    task -> {
                        Thread thread = task.thread();
                        if (thread != null && threads.contains(thread)) {
                            tasks.put(thread, task);
                        }
                    });
        }
        return tasks;
    }

    private static String nameOf(Thread thread, @Nullable TrackedTask task) {
        if (task != null) {
            return task.displayName();
        }
        String name = thread.getName();
        String known = name.isEmpty() ? "thread " + thread.threadId() : name;
        return thread.isAlive() ? known : known + " (ended)";
    }

    private static Wait describe(
            Object blocker, @Nullable Thread holder, Map<Thread, TrackedTask> tasks) {
        TrackedTask task = holder == null ? null : tasks.get(holder);
        return new Wait(
                blocker.getClass().getName(),
                inWords(blocker),
                holder == null ? null : nameOf(holder, task),
                task == null ? 0 : task.id());
    }

    /** Only what is ours is asked for its toString: that of others may block, or be long. */
    private static String inWords(Object blocker) {
        return blocker.getClass().getName().startsWith(OURS)
                ? blocker.toString()
                : blocker.getClass().getName()
                        + "@"
                        + Integer.toHexString(System.identityHashCode(blocker));
    }

    // --- sockets ---

    /** Names who waits in sockets. */
    List<SocketSnapshot> sockets(List<OpenSocket> open) {
        Set<Thread> threads = new HashSet<>();
        for (OpenSocket socket : open) {
            if (socket.reader() != null) {
                threads.add(socket.reader());
            }
            if (socket.writer() != null) {
                threads.add(socket.writer());
            }
        }
        Map<Thread, TrackedTask> tasks = tasksOf(threads);
        List<SocketSnapshot> snapshots = new ArrayList<>();
        for (OpenSocket socket : open) {
            snapshots.add(
                    new SocketSnapshot(
                            socket.kind(),
                            socket.local(),
                            socket.remote(),
                            waiter(socket.reader(), tasks),
                            waiter(socket.writer(), tasks)));
        }
        return snapshots;
    }

    private static SocketSnapshot.@Nullable Waiter waiter(
            @Nullable Thread thread, Map<Thread, TrackedTask> tasks) {
        if (thread == null) {
            return null;
        }
        TrackedTask task = tasks.get(thread);
        return new SocketSnapshot.Waiter(nameOf(thread, task), task == null ? 0 : task.id());
    }

    // --- deadlocks ---

    /** A wait that only another thread can end. */
    private record Edge(Thread thread, Blocker blocker, Thread holder) {}

    private static @Nullable Edge edgeFrom(Thread thread) {
        if (Parker.blockerOf(thread) instanceof Blocker blocker) {
            Thread holder = blocker.holder();
            // the blocker last: then the thread waited in it when its holder was read
            if (holder != null
                    && thread.getState() == Thread.State.WAITING
                    && Parker.blockerOf(thread) == blocker) {
                return new Edge(thread, blocker, holder);
            }
        }
        return null;
    }

    List<Deadlock> deadlocks() {
        List<Deadlock> found = new ArrayList<>();
        Set<Thread> visited = new HashSet<>();
        scheduler.registry.forEach(
                task -> {
                    Thread thread = task.thread();
                    if (thread != null && found.size() < MAX_DEADLOCKS) {
                        Deadlock deadlock = confirmed(circleFrom(thread, visited));
                        if (deadlock != null) {
                            found.add(deadlock);
                        }
                    }
                });
        return found;
    }

    /** The circle into which the waits of a thread lead, unless they were followed before. */
    private static List<Edge> circleFrom(Thread start, Set<Thread> visited) {
        List<Edge> path = new ArrayList<>();
        Thread thread = start;
        for (Edge edge; (edge = edgeFrom(thread)) != null; thread = edge.holder) {
            if (!visited.add(thread)) {
                for (int i = 0; i < path.size(); i++) {
                    if (path.get(i).thread == thread) {
                        return path.subList(i, path.size());
                    }
                }
                return List.of();
            }
            path.add(edge);
        }
        return List.of();
    }

    private @Nullable Deadlock confirmed(List<Edge> circle) {
        if (circle.isEmpty()) {
            return null;
        }
        List<List<StackTraceElement>> stacks = new ArrayList<>();
        Set<Thread> threads = new HashSet<>();
        for (Edge edge : circle) {
            boolean more = stacks.size() < MAX_STACKS_OF_A_DEADLOCK;
            stacks.add(stackOf(edge.thread, more ? STACK_DEPTH_OF_A_DEADLOCK : 0));
            threads.add(edge.thread);
        }
        Map<Thread, TrackedTask> tasks = tasksOf(threads);
        List<Deadlock.Member> members = new ArrayList<>();
        for (Edge edge : circle) {
            TrackedTask task = tasks.get(edge.thread);
            members.add(
                    new Deadlock.Member(
                            nameOf(edge.thread, task),
                            task == null ? 0 : task.id(),
                            edge.thread.threadId(),
                            describe(edge.blocker, edge.holder, tasks),
                            stacks.get(members.size())));
        }
        for (Edge edge : circle) {
            if (!edge.equals(edgeFrom(edge.thread))) {
                return null;
            }
        }
        return new Deadlock(members);
    }
}
