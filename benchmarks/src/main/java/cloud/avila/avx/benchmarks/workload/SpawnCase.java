package cloud.avila.avx.benchmarks.workload;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;

/**
 * The cases of the group {@code spawn}, in the shapes and sizes of Tokio's own benchmarks. Jobs run
 * to completion and go on by callbacks; fibers may park.
 */
public enum SpawnCase {
    /** A job spawns 10 000 jobs, each of which counts. */
    JOB_LOCAL("job-local", Operations.SPAWNS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            local(spawner, operations());
        }
    },
    /** A thread outside spawns 10 000 jobs, each of which counts. */
    JOB_REMOTE("job-remote", Operations.SPAWNS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            remote(spawner, operations());
        }
    },
    /** 1000 jobs, each spawning the next. */
    JOB_CHAINED("job-chained", Operations.LINKS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            chained(spawner, operations());
        }
    },
    /** 1000 jobs that each spawn a peer, signal it and are called back by it. */
    JOB_PING_PONG("job-ping-pong", Operations.PINGS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            int pings = operations();
            var tally = new Tally(pings, sumBelow(pings));
            spawner.spawn(
                    () -> {
                        for (int i = 0; i < pings; i++) {
                            int ping = i;
                            spawner.spawn(() -> pingByCallback(spawner, tally, ping));
                        }
                    });
            tally.await();
        }
    },
    /** A fiber spawns 10 000 fibers, each of which counts. */
    FIBER_SPAWN("fiber-spawn", Operations.SPAWNS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            local(spawner, operations());
        }
    },
    /** A thread outside spawns 10 000 fibers, each of which counts. */
    FIBER_SPAWN_REMOTE("fiber-spawn-remote", Operations.SPAWNS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            remote(spawner, operations());
        }
    },
    /** 1000 fibers, each spawning the next. */
    FIBER_CHAINED("fiber-chained", Operations.LINKS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            chained(spawner, operations());
        }
    },
    /** 1000 fibers that each spawn a peer, signal it and park until it answers. */
    FIBER_PING_PONG("fiber-ping-pong", Operations.PINGS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            int pings = operations();
            var tally = new Tally(pings, sumBelow(pings));
            spawner.spawn(
                    () -> {
                        for (int i = 0; i < pings; i++) {
                            int ping = i;
                            spawner.spawn(() -> pingByParking(spawner, tally, ping));
                        }
                    });
            tally.await();
        }
    },
    /** Two fibers hand a token to each other, parking between turns; one operation is one turn. */
    FIBER_TOKEN("fiber-token", Operations.TURNS) {
        @Override
        public void run(Spawner spawner) throws InterruptedException {
            int turns = operations() / 2;
            var tally = new Tally(2, operations());
            var holder = new TokenRing();
            for (int member = 0; member < 2; member++) {
                int me = member;
                spawner.spawn(() -> tally.add(holder.pass(me, turns)));
            }
            tally.await();
        }
    },
    /** 200 fibers yield 1000 times each. */
    FIBER_YIELD("fiber-yield", Operations.YIELDS) {
        @Override
        @SuppressWarnings("ThreadPriorityCheck") // the yield is what is measured
        public void run(Spawner spawner) throws InterruptedException {
            int fibers = 200;
            int yields = operations() / fibers;
            var tally = new Tally(fibers, operations());
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
    };

    private final String id;
    private final int operations;

    SpawnCase(String id, int operations) {
        this.id = id;
        this.operations = operations;
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

    /**
     * The case's name on the command line.
     *
     * @return the name
     */
    public String id() {
        return id;
    }

    /**
     * Whether the tasks are jobs, which must not block, rather than fibers.
     *
     * @return true for jobs
     */
    public boolean usesJobs() {
        return id.startsWith("job-");
    }

    /**
     * How many operations one run performs.
     *
     * @return the number by which a run's time is divided
     */
    public int operations() {
        return operations;
    }

    /**
     * Runs the workload once, from a thread outside the contestant, and checks its result.
     *
     * @param spawner the contestant
     * @throws InterruptedException if interrupted while waiting for the end
     * @throws IllegalStateException if a task was lost or ran twice
     */
    public abstract void run(Spawner spawner) throws InterruptedException;

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
