package cloud.avila.avx.stress;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.Outcome;
import cloud.avila.avx.time.Interval;
import cloud.avila.avx.time.MissedTicks;
import cloud.avila.avx.time.Sleep;
import cloud.avila.avx.time.Tick;
import cloud.avila.avx.time.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Scenarios of starting, ending and timing tasks. */
final class TaskScenarios {
    private TaskScenarios() {}

    private static final class Expected extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Expected() {
            super("expected", null, false, false);
        }
    }

    /** Fibers that return, throw, are cancelled, and have children; each outcome is as it must. */
    static final class Spawning extends Scenario {
        private final AtomicInteger inside = new AtomicInteger();

        @Override
        void run(Context cx) throws Exception {
            while (cx.more()) {
                List<JoinHandle<Integer>> handles = new ArrayList<>();
                List<Integer> kinds = new ArrayList<>();
                int n = cx.between(1, 100);
                for (int i = 0; i < n; i++) {
                    int kind = cx.between(0, 5);
                    int value = i;
                    Context child = cx.split();
                    try {
                        handles.add(
                                kind == 5
                                        ? cx.runtime().spawnBlocking(() -> body(child, 0, value))
                                        : cx.spawn(() -> body(child, kind, value)));
                        kinds.add(kind);
                    } catch (RejectedExecutionException e) {
                        Thread.sleep(1);
                    }
                }
                for (int i = 0; i < handles.size(); i++) {
                    check(handles.get(i), kinds.get(i));
                }
            }
        }

        private int body(Context cx, int kind, int value) throws Exception {
            inside.getAndIncrement();
            try {
                require(
                        Handle.current().runtimeName().equals(cx.runtime().config().name()),
                        "wrong current runtime");
                switch (kind) {
                    case 1 -> throw new Expected();
                    case 2 -> Thread.sleep(0, cx.between(0, 500_000));
                    case 3 -> Thread.sleep(3_600_000);
                    case 4 -> {
                        JoinHandle<Integer> grandchild = cx.spawn(() -> body(cx.split(), 2, value));
                        return grandchild.join();
                    }
                    default -> Thread.yield();
                }
                return value;
            } finally {
                inside.getAndDecrement();
            }
        }

        private static void check(JoinHandle<Integer> handle, int kind)
                throws InterruptedException {
            if (kind == 3) {
                require(handle.cancel(), "%s could not be cancelled", handle.name());
                require(!handle.cancel(), "%s was cancelled twice", handle.name());
            }
            try {
                handle.join();
                require(kind != 1 && kind != 3, "kind %d returned", kind);
                require(handle.outcome() instanceof Outcome.Completed, "not completed");
            } catch (CompletionException e) {
                if (kind != 1 || !(cause(e) instanceof Expected)) {
                    throw e;
                }
                require(handle.outcome() instanceof Outcome.Failed, "not failed");
            } catch (CancellationException e) {
                require(kind == 3, "kind %d was cancelled", kind);
                require(handle.outcome() instanceof Outcome.Cancelled, "not cancelled");
            }
        }

        @Override
        void verify() {
            requireEqual(0, inside.get(), "bodies that have not ended");
        }
    }

    /** Every job accepted runs once. */
    static final class Jobs extends Scenario {
        private final AtomicLong accepted = new AtomicLong();
        private final AtomicLong ran = new AtomicLong();

        @Override
        void run(Context cx) throws Exception {
            Handle handle = cx.runtime().handle();
            while (cx.more()) {
                for (int i = cx.between(1, 500); i > 0; i--) {
                    boolean chained = cx.chance(10);
                    try {
                        handle.execute(
                                () -> {
                                    ran.getAndIncrement();
                                    if (chained) {
                                        accepted.getAndIncrement();
                                        handle.execute(ran::getAndIncrement);
                                    }
                                });
                        accepted.getAndIncrement();
                    } catch (RejectedExecutionException e) {
                        Thread.sleep(1);
                    }
                }
                if (cx.chance(20)) {
                    Thread.sleep(0, cx.between(0, 900_000));
                }
            }
            // some rounds end with a shutdown that soon drops what waits
            while (ran.get() < accepted.get()) {
                Thread.sleep(1);
            }
        }

        @Override
        void verify() {
            requireEqual(accepted.get(), ran.get(), "jobs");
        }
    }

    /** Sleeps and ticks are never early, also while others are cancelled in the middle of one. */
    static final class Sleeping extends Scenario {
        @Override
        void run(Context cx) throws Exception {
            while (cx.more()) {
                List<JoinHandle<Boolean>> handles = new ArrayList<>();
                for (int i = cx.between(1, 50); i > 0; i--) {
                    Context own = cx.split();
                    handles.add(cx.spawn(() -> sleep(own)));
                }
                cancelSome(cx, handles);
                joinAll(handles);
            }
        }

        private static boolean sleep(Context cx) throws InterruptedException {
            long start = System.nanoTime();
            long nanos = cx.random().nextLong(1, 1L << cx.between(1, 24));
            switch (cx.between(0, 3)) {
                case 0 -> Thread.sleep(Duration.ofNanos(nanos));
                case 1 -> {
                    var interval =
                            Interval.every(Duration.ofNanos(nanos))
                                    .onMissed(MissedTicks.values()[cx.between(0, 2)])
                                    .startingAfter(Duration.ofNanos(nanos));
                    for (int i = 0; i < 3; i++) {
                        Tick tick = interval.tick();
                        require(!tick.late().isNegative(), "early tick: %s", tick);
                    }
                }
                default -> Sleep.of(Duration.ofNanos(nanos));
            }
            long slept = System.nanoTime() - start;
            require(slept >= nanos, "slept %d ns instead of %d", slept, nanos);
            return true;
        }

        @Override
        void verify() {}
    }

    /** Timeouts inside each other end at the right place and leave no interrupt behind. */
    static final class TimingOut extends Scenario {
        @Override
        void run(Context cx) throws Exception {
            List<JoinHandle<Boolean>> handles = new ArrayList<>();
            for (int i = cx.between(1, 10); i > 0; i--) {
                Context own = cx.split();
                handles.add(cx.spawn(() -> loop(own)));
            }
            joinAll(handles);
        }

        private static boolean loop(Context cx) throws Exception {
            while (cx.more()) {
                nested(cx, cx.between(1, 3));
                require(!Thread.currentThread().isInterrupted(), "an interrupt leaked");
            }
            return true;
        }

        private static boolean nested(Context cx, int depth) throws Exception {
            Duration limit = Duration.ofNanos(cx.random().nextLong(1, 2_000_000));
            Duration work = Duration.ofNanos(cx.random().nextLong(1, 2_000_000));
            long start = System.nanoTime();
            try {
                return Timeout.call(
                        limit,
                        () -> {
                            if (depth > 1) {
                                nested(cx, depth - 1);
                            }
                            Sleep.of(work);
                            return true;
                        });
            } catch (TimeoutException e) {
                require(
                        System.nanoTime() - start >= limit.toNanos(),
                        "timed out before %s: %s",
                        limit,
                        e);
                return false;
            }
        }

        @Override
        void verify() {}
    }

    /** The JDK's own locks, queues and monitors between fibers and other threads. */
    static final class JdkBlocking extends Scenario {
        private final AtomicLong sent = new AtomicLong();
        private final AtomicLong received = new AtomicLong();
        private final Object monitor = new Object();
        private long guarded;
        private final AtomicLong entered = new AtomicLong();

        @Override
        void run(Context cx) throws Exception {
            var queue = new ArrayBlockingQueue<Long>(cx.between(1, 64));
            var sending = new AtomicBoolean(true);
            List<JoinHandle<Integer>> senders = new ArrayList<>();
            List<JoinHandle<Integer>> receivers = new ArrayList<>();
            for (int i = cx.between(1, 6); i > 0; i--) {
                Context own = cx.split();
                senders.add(cx.spawn(() -> send(own, queue)));
            }
            for (int i = cx.between(1, 6); i > 0; i--) {
                Context own = cx.split();
                receivers.add(cx.spawn(() -> receive(own, queue, sending)));
            }
            Context outer = cx.split();
            Thread outside =
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        try {
                                            send(outer, queue);
                                        } catch (InterruptedException e) {
                                            fail(e);
                                        }
                                    });
            joinAll(senders);
            outside.join();
            sending.set(false);
            joinAll(receivers);
        }

        private int send(Context cx, ArrayBlockingQueue<Long> queue) throws InterruptedException {
            while (cx.more()) {
                long message = cx.random().nextLong(1000);
                if (cx.chance(50)) {
                    queue.put(message);
                    sent.getAndAdd(message);
                } else if (queue.offer(message, cx.between(0, 300), TimeUnit.MICROSECONDS)) {
                    sent.getAndAdd(message);
                }
                synchronized (monitor) {
                    guarded++;
                    entered.getAndIncrement();
                    switch (cx.between(0, 30)) {
                        case 0 -> monitor.wait(1);
                        case 1 -> monitor.notifyAll();
                        default -> {}
                    }
                }
            }
            return 0;
        }

        private int receive(Context cx, ArrayBlockingQueue<Long> queue, AtomicBoolean sending)
                throws InterruptedException {
            for (; ; ) {
                boolean last = !sending.get();
                Long message = queue.poll(cx.between(100, 2000), TimeUnit.MICROSECONDS);
                if (message != null) {
                    received.getAndAdd(message);
                } else if (last) {
                    return 0;
                }
            }
        }

        @Override
        void verify() {
            requireEqual(sent.get(), received.get(), "sum of messages");
            synchronized (monitor) {
                requireEqual(entered.get(), guarded, "entries of the monitor");
            }
        }
    }

    /** Leaves fibers behind that only the runtime's close can end. */
    static final class Strays extends Scenario {
        private final AtomicInteger inside = new AtomicInteger();

        @Override
        void run(Context cx) throws Exception {
            for (int i = cx.between(1, 50); i > 0; i--) {
                try {
                    if (cx.chance(80)) {
                        cx.runtime().spawn("stray", this::stray);
                    } else {
                        cx.runtime().spawnBlocking(this::stray);
                    }
                } catch (RejectedExecutionException e) {
                    return;
                }
            }
        }

        private int stray() throws InterruptedException {
            inside.getAndIncrement();
            try {
                Thread.sleep(Duration.ofHours(1));
                return 0;
            } finally {
                inside.getAndDecrement();
            }
        }

        @Override
        void verify() {
            requireEqual(0, inside.get(), "strays that outlived their runtime");
        }
    }
}
