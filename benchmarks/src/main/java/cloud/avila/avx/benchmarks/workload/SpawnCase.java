package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;

/**
 * The cases of the group {@code spawn}, in the shapes and sizes of Tokio's own benchmarks. Jobs run
 * to completion and go on by callbacks; fibers may park.
 */
public enum SpawnCase {
    /** A job spawns 10 000 jobs, each of which counts. */
    JOB_LOCAL("job-local", 10_000, SpawnCase::local),
    /** A thread outside spawns 10 000 jobs, each of which counts. */
    JOB_REMOTE("job-remote", 10_000, SpawnCase::remote),
    /** The same with 1000, while four chains of jobs keep all workers busy. */
    JOB_REMOTE_BUSY("job-remote-busy", 1_000, SpawnCase::remoteBusy),
    /** 1000 jobs, each spawning the next. */
    JOB_CHAINED("job-chained", 1_000, SpawnCase::chained),
    /** 1000 jobs that each spawn a peer, signal it and are called back by it. */
    JOB_PING_PONG("job-ping-pong", 1_000, (s, n) -> pingPong(s, n, SpawnCase::pingByCallback)),
    /** A fiber spawns 10 000 fibers, each of which counts. */
    FIBER_SPAWN("fiber-spawn", 10_000, SpawnCase::local),
    /** A thread outside spawns 10 000 fibers, each of which counts. */
    FIBER_SPAWN_REMOTE("fiber-spawn-remote", 10_000, SpawnCase::remote),
    /** A thread outside spawns 10 000 fibers, then asks each for its result. */
    FIBER_JOINED("fiber-joined", 10_000, SpawnCase::joined),
    /** The same, while eight fibers that compute and yield keep all workers busy. */
    FIBER_JOINED_BUSY_YIELD("fiber-joined-busy-yield", 10_000, SpawnCase::joinedBusyYielding),
    /** The same with 1000, while four chains of fibers keep all workers busy. */
    FIBER_JOINED_BUSY_SPAWN("fiber-joined-busy-spawn", 1_000, SpawnCase::joinedBusySpawning),
    /** 1000 fibers, each spawning the next. */
    FIBER_CHAINED("fiber-chained", 1_000, SpawnCase::chained),
    /** 1000 fibers that each spawn a peer, signal it and park until it answers. */
    FIBER_PING_PONG("fiber-ping-pong", 1_000, (s, n) -> pingPong(s, n, SpawnCase::pingByParking)),
    /** Two fibers hand a token to each other, parking between turns; one operation is one turn. */
    FIBER_TOKEN("fiber-token", 100_000, SpawnCase::token),
    /** 200 fibers yield 1000 times each. */
    FIBER_YIELD("fiber-yield", 200_000, SpawnCase::yields),
    /** A tree of fibers with a million leaves, ten children each; one operation is one fiber. */
    FIBER_SKYNET("fiber-skynet", 1_111_111, SpawnCase::skynet),
    /** A poll task spawns 10 000 poll tasks, each of which counts. */
    POLL_SPAWN("poll-spawn", 10_000, SpawnCase::local),
    /** 1000 poll tasks that each spawn a peer, signal it and are pending until it answers. */
    POLL_PING_PONG("poll-ping-pong", 1_000, SpawnCase::pollPingPong),
    /** 200 poll tasks that are polled again 1000 times each. */
    POLL_YIELD("poll-yield", 200_000, SpawnCase::pollYields),
    /** Four fibers that each start 16 blocking tasks and wait for them, 100 times. */
    BLOCKING_SPAWN("blocking-spawn", 6_400, SpawnCase::blocking);

    /** One run of a case. */
    @FunctionalInterface
    private interface Body {
        void run(Spawner spawner, int operations) throws Exception;
    }

    private static final long PATIENCE_SECONDS = 60;

    private final String id;
    private final int operations;
    private final Body body;

    SpawnCase(String id, int operations, Body body) {
        this.id = id;
        this.operations = operations;
        this.body = body;
    }

    /**
     * Finds a case.
     *
     * @param id its name on the command line
     * @return the case
     * @throws IllegalArgumentException if there is none of that name
     */
    public static SpawnCase of(String id) {
        return Arrays.stream(values())
                .filter(c -> c.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no case " + id));
    }

    Workload open(String contestant, int workers) {
        Contestant running = Contestant.open(contestant, kind(), workers);
        return new TimedRuns(id, operations, running, () -> run(running, operations));
    }

    /** What kind its tasks are; those that block are started by fibers. */
    Contestant.Kind kind() {
        return switch (id.substring(0, id.indexOf('-'))) {
            case "job" -> Contestant.Kind.JOB;
            case "poll" -> Contestant.Kind.POLL;
            default -> Contestant.Kind.FIBER;
        };
    }

    /** How many operations a run of the comparison has. */
    int operations() {
        return operations;
    }

    /**
     * Runs the workload once, from a thread outside the contestant, and checks its result.
     *
     * @param spawner the contestant
     * @param count how many operations to do
     * @throws Exception if a task was lost, ran twice or failed
     */
    void run(Spawner spawner, int count) throws Exception {
        body.run(spawner, count);
    }

    static long sumBelow(long n) {
        return n * (n - 1) / 2;
    }

    private static void local(Spawner spawner, int tasks) throws InterruptedException {
        var tally = new Tally(tasks, sumBelow(tasks));
        spawner.spawn(() -> spawnAll(spawner, tally, tasks));
        tally.await();
    }

    private static void remote(Spawner spawner, int tasks) throws InterruptedException {
        var tally = new Tally(tasks, sumBelow(tasks));
        spawnAll(spawner, tally, tasks);
        tally.await();
    }

    private static void spawnAll(Spawner spawner, Tally tally, int tasks) {
        for (int i = 0; i < tasks; i++) {
            int number = i;
            spawner.spawn(() -> tally.add(number));
        }
    }

    private static void joined(Spawner spawner, int tasks) throws Exception {
        checkSum(joinAll(tasks, number -> spawner.submit(() -> number)), sumBelow(tasks));
    }

    /** Starts numbered tasks and sums their results. */
    private static long joinAll(int tasks, Starter starter) throws Exception {
        List<Future<Integer>> handles = new ArrayList<>(tasks);
        for (int i = 0; i < tasks; i++) {
            handles.add(starter.start(i));
        }
        long sum = 0;
        for (Future<Integer> handle : handles) {
            sum += handle.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
        return sum;
    }

    @FunctionalInterface
    private interface Starter {
        Future<Integer> start(int number);
    }

    private static void checkSum(long sum, long expected) {
        if (sum != expected) {
            throw new IllegalStateException("the results add up to " + sum + ", not " + expected);
        }
    }

    private static void remoteBusy(Spawner spawner, int tasks) throws Exception {
        try (var _ = Load.respawning(spawner, 4)) {
            remote(spawner, tasks);
        }
    }

    private static void joinedBusyYielding(Spawner spawner, int tasks) throws Exception {
        try (var _ = Load.yielding(spawner, 8)) {
            joined(spawner, tasks);
        }
    }

    private static void joinedBusySpawning(Spawner spawner, int tasks) throws Exception {
        try (var _ = Load.respawning(spawner, 4)) {
            joined(spawner, tasks);
        }
    }

    private static void chained(Spawner spawner, int links) throws InterruptedException {
        var tally = new Tally(1, links);
        spawner.spawn(() -> link(spawner, tally, 1, links));
        tally.await();
    }

    private static void link(Spawner spawner, Tally tally, int position, int links) {
        if (position == links) {
            tally.add(position);
        } else {
            spawner.spawn(() -> link(spawner, tally, position + 1, links));
        }
    }

    @FunctionalInterface
    private interface Ping {
        void start(Spawner spawner, Tally tally, int number);
    }

    private static void pingPong(Spawner spawner, int pings, Ping ping)
            throws InterruptedException {
        var tally = new Tally(pings, sumBelow(pings));
        spawner.spawn(
                () -> {
                    for (int i = 0; i < pings; i++) {
                        int number = i;
                        spawner.spawn(() -> ping.start(spawner, tally, number));
                    }
                });
        tally.await();
    }

    private static void pingByCallback(Spawner spawner, Tally tally, int ping) {
        var there = new Signal();
        var back = new Signal();
        spawner.spawn(
                () -> {
                    Task answer = back::fire;
                    if (!there.onFire(() -> spawner.spawn(answer))) {
                        answer.run();
                    }
                });
        there.fire();
        Task count = () -> tally.add(ping);
        if (!back.onFire(() -> spawner.spawn(count))) {
            count.run();
        }
    }

    private static void pingByParking(Spawner spawner, Tally tally, int ping) {
        var there = new Signal();
        var back = new Signal();
        spawner.spawn(
                () -> {
                    there.await();
                    back.fire();
                });
        there.fire();
        back.await();
        tally.add(ping);
    }

    private static void pollPingPong(Spawner spawner, int pings) throws InterruptedException {
        var tally = new Tally(pings, sumBelow(pings));
        spawner.spawn(
                () -> {
                    for (int i = 0; i < pings; i++) {
                        spawner.spawnFuture(new PingFuture(spawner, tally, i));
                    }
                });
        tally.await();
    }

    /** Spawns a peer, signals it and is pending until it answers. */
    private static final class PingFuture implements cloud.avila.avx.task.Future<Boolean> {
        private final Spawner spawner;
        private final Tally tally;
        private final int ping;
        private @Nullable Signal back;

        PingFuture(Spawner spawner, Tally tally, int ping) {
            this.spawner = spawner;
            this.tally = tally;
            this.ping = ping;
        }

        @Override
        public Poll<Boolean> poll(Context context) {
            Signal answer = back;
            if (answer == null) {
                back = answer = start();
            }
            if (!answer.poll(context)) {
                return Poll.pending();
            }
            tally.add(ping);
            return Poll.ready(true);
        }

        private Signal start() {
            var there = new Signal();
            var answer = new Signal();
            spawner.spawnFuture(
                    context -> {
                        if (!there.poll(context)) {
                            return Poll.pending();
                        }
                        answer.fire();
                        return Poll.ready(true);
                    });
            there.fire();
            return answer;
        }
    }

    private static void token(Spawner spawner, int operations) throws InterruptedException {
        int turns = operations / 2;
        var tally = new Tally(2, operations);
        var holder = new TokenRing();
        for (int member = 0; member < 2; member++) {
            int me = member;
            spawner.spawn(() -> tally.add(holder.pass(me, turns)));
        }
        tally.await();
    }

    @SuppressWarnings("ThreadPriorityCheck") // the yield is what is measured
    private static void yields(Spawner spawner, int operations) throws InterruptedException {
        int fibers = 200;
        int yields = operations / fibers;
        var tally = new Tally(fibers, operations);
        for (int i = 0; i < fibers; i++) {
            spawner.spawn(
                    () -> {
                        int done = 0;
                        while (done < yields) {
                            Thread.yield();
                            done++;
                        }
                        tally.add(done);
                    });
        }
        tally.await();
    }

    private static void pollYields(Spawner spawner, int operations) throws InterruptedException {
        int tasks = 200;
        int yields = operations / tasks;
        var tally = new Tally(tasks, operations);
        for (int i = 0; i < tasks; i++) {
            spawner.spawnFuture(new YieldingFuture(tally, yields));
        }
        tally.await();
    }

    /** Asks to be polled again so many times. */
    private static final class YieldingFuture implements cloud.avila.avx.task.Future<Boolean> {
        private final Tally tally;
        private final int yields;
        private int done;

        YieldingFuture(Tally tally, int yields) {
            this.tally = tally;
            this.yields = yields;
        }

        @Override
        public Poll<Boolean> poll(Context context) {
            if (done == yields) {
                tally.add(done);
                return Poll.ready(true);
            }
            done++;
            context.pollAgain();
            return Poll.pending();
        }
    }

    private static void skynet(Spawner spawner, int fibers) throws Exception {
        int leaves = (9 * fibers + 1) / 10;
        long sum =
                spawner.submit(() -> subtree(spawner, 0, leaves))
                        .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        checkSum(sum, sumBelow(leaves));
    }

    private static long subtree(Spawner spawner, long first, int leaves) throws Exception {
        if (leaves == 1) {
            return first;
        }
        int each = leaves / 10;
        List<Future<Long>> children = new ArrayList<>(10);
        for (int i = 0; i < 10; i++) {
            long start = first + (long) i * each;
            children.add(spawner.submit(() -> subtree(spawner, start, each)));
        }
        long sum = 0;
        for (Future<Long> child : children) {
            sum += child.get();
        }
        return sum;
    }

    private static void blocking(Spawner spawner, int operations) throws Exception {
        int fibers = 4;
        int batch = 16;
        int batches = operations / fibers / batch;
        List<Future<Long>> handles = new ArrayList<>();
        for (int f = 0; f < fibers; f++) {
            handles.add(
                    spawner.submit(
                            () -> {
                                long sum = 0;
                                for (int b = 0; b < batches; b++) {
                                    sum +=
                                            joinAll(
                                                    batch,
                                                    number -> spawner.submitBlocking(() -> number));
                                }
                                return sum;
                            }));
        }
        long sum = 0;
        for (Future<Long> handle : handles) {
            sum += handle.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
        checkSum(sum, fibers * batches * sumBelow(batch));
    }

    /** Two threads and whose turn it is. */
    private static final class TokenRing {
        private static final int TURN = 2;
        private final CountDownLatch bothHere = new CountDownLatch(2);
        private final AtomicReferenceArray<Thread> slots = new AtomicReferenceArray<>(3);

        int pass(int me, int turns) {
            Thread self = Thread.currentThread();
            slots.set(me, self);
            if (me == 0) {
                slots.set(TURN, self);
            }
            bothHere.countDown();
            try {
                bothHere.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted by nobody", e);
            }
            Thread other = slots.get(1 - me);
            int done = 0;
            while (done < turns) {
                while (slots.get(TURN) != self) {
                    LockSupport.park(this);
                }
                done++;
                slots.set(TURN, other);
                LockSupport.unpark(other);
            }
            return done;
        }
    }
}
