package cloud.avila.avx.stress;

import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.sync.Guard;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.sync.Permit;
import cloud.avila.avx.sync.Semaphore;
import cloud.avila.avx.time.Timeout;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Scenarios of locks and permits, whose holders are cancelled and time out. */
final class LockScenarios {
    private LockScenarios() {}

    /** One at a time, and the lock is free in the end. */
    static final class Excluding extends Scenario {
        private final Mutex mutex = new Mutex();
        private final AtomicLong entered = new AtomicLong();
        private long guarded;

        @Override
        void run(Context cx) throws Exception {
            List<JoinHandle<Integer>> handles = new ArrayList<>();
            for (int i = cx.between(1, 16); i > 0; i--) {
                Context own = cx.split();
                handles.add(cx.spawn(() -> loop(own)));
            }
            Context own = cx.split();
            Thread outside =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            loop(own);
                                        } catch (Throwable t) {
                                            fail(t);
                                        }
                                    });
            cancelSome(cx, handles);
            joinAll(handles);
            outside.join();
        }

        private int loop(Context cx) throws InterruptedException {
            while (cx.more()) {
                switch (cx.between(0, 3)) {
                    case 0 -> {
                        try (@Nullable Guard g =
                                mutex.tryAcquire(Duration.ofNanos(cx.between(0, 200_000)))) {
                            if (g != null) {
                                enter(cx);
                            }
                        }
                    }
                    case 1 -> {
                        mutex.lock();
                        try {
                            enter(cx);
                        } finally {
                            mutex.unlock();
                        }
                    }
                    default -> {
                        try (Guard g = mutex.acquire()) {
                            enter(cx);
                        }
                    }
                }
            }
            return 0;
        }

        private void enter(Context cx) throws InterruptedException {
            guarded++;
            entered.getAndIncrement();
            switch (cx.between(0, 50)) {
                case 0 -> Thread.sleep(0, cx.between(0, 300_000));
                case 1, 2, 3 -> Thread.yield();
                default -> {}
            }
        }

        @Override
        void verify() {
            requireEqual(entered.get(), guarded, "entries of the mutex");
            require(!mutex.isLocked(), "the mutex is still locked: %s", mutex);
        }
    }

    /** Never more permits out than there are, and all are back in the end. */
    static final class Permitting extends Scenario {
        private final AtomicInteger out = new AtomicInteger();
        private int permits;
        private Semaphore semaphore = new Semaphore(0);

        @Override
        void run(Context cx) throws Exception {
            permits = cx.between(1, 10);
            semaphore = new Semaphore(permits);
            List<JoinHandle<Integer>> handles = new ArrayList<>();
            for (int i = cx.between(1, 20); i > 0; i--) {
                Context own = cx.split();
                handles.add(cx.spawn(() -> loop(own)));
            }
            cancelSome(cx, handles);
            joinAll(handles);
        }

        private int loop(Context cx) throws Exception {
            while (cx.more()) {
                int n = cx.between(1, permits);
                switch (cx.between(0, 3)) {
                    case 0 -> {
                        try (@Nullable Permit p =
                                semaphore.tryAcquire(n, Duration.ofNanos(cx.between(0, 200_000)))) {
                            if (p != null) {
                                hold(cx, n);
                            }
                        }
                    }
                    case 1 -> {
                        try (Permit p =
                                Timeout.call(
                                        Duration.ofNanos(cx.between(1, 300_000)),
                                        () -> semaphore.acquire(n))) {
                            hold(cx, n);
                        } catch (TimeoutException e) {
                            cx.progress().step();
                        }
                    }
                    default -> {
                        try (Permit p = semaphore.acquire(n)) {
                            hold(cx, n);
                        }
                    }
                }
            }
            return 0;
        }

        private void hold(Context cx, int n) throws InterruptedException {
            int now = out.addAndGet(n);
            try {
                require(now <= permits, "%d of %d permits are out", now, permits);
                if (cx.chance(10)) {
                    Thread.sleep(0, cx.between(0, 300_000));
                }
            } finally {
                out.addAndGet(-n);
            }
        }

        @Override
        void verify() {
            requireEqual(0, out.get(), "permits out");
            requireEqual(permits, semaphore.availablePermits(), "permits in the end");
        }
    }
}
