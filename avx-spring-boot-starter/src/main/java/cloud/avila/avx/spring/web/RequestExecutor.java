package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;

import org.jspecify.annotations.Nullable;

import java.io.Serial;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Runs each task of a web server as a fiber of its own, a bounded number at once; more wait in a
 * bounded queue in the order in which they came. Thread-safe, and never blocks.
 *
 * <p>Invariant: a task in the queue starts as soon as fewer than {@link #limit} run. {@link
 * #running} is taken before a fiber starts, by whoever starts it, and given back by the fiber;
 * {@link #waiting} counts the places of the queue, taken before a task is put there and given back
 * after it was removed, so it is never less than the queue's length. Both are changed by atomic
 * read-modify-write operations only. No task is left behind: who queues one first puts it there and
 * then looks whether it may start; who ends first gives its place back and then looks at the queue.
 * These are volatile accesses, which all threads see in one order, so one of the two sees the
 * other's.
 */
class RequestExecutor implements Executor {
    private final AvxRuntime runtime;
    private final Supplier<String> name;
    private final @Nullable ClassLoader contextClassLoader;
    private final String limitProperty;
    private final String queueProperty;
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicLong started = new AtomicLong();
    private volatile int limit;
    private volatile int queueCapacity;
    private volatile @Nullable String prefix;

    /**
     * Creates an executor.
     *
     * @param runtime runs the fibers; it is not closed with the executor
     * @param name names the server, once its first request comes
     * @param contextClassLoader for the tasks, or null for what the runtime's threads have
     * @param limit most tasks that run at once, at least 1
     * @param limitProperty the property that sets it, for messages
     * @param queueCapacity most tasks that wait, at least 0
     * @param queueProperty the property that sets it, for messages
     */
    RequestExecutor(
            AvxRuntime runtime,
            Supplier<String> name,
            @Nullable ClassLoader contextClassLoader,
            int limit,
            String limitProperty,
            int queueCapacity,
            String queueProperty) {
        this.runtime = runtime;
        this.name = name;
        this.contextClassLoader = contextClassLoader;
        this.limit = limit;
        this.limitProperty = limitProperty;
        this.queueCapacity = queueCapacity;
        this.queueProperty = queueProperty;
    }

    @Override
    public void execute(Runnable task) {
        if (waiting.get() == 0 && takePlace()) {
            start(task);
            return;
        }
        int capacity = queueCapacity;
        if (waiting.incrementAndGet() > capacity) {
            waiting.decrementAndGet();
            throw new Rejected(
                    "'%s' works on %d requests (%s=%d), and %d more wait (at most %d, %s)"
                            .formatted(
                                    name.get(),
                                    running.get(),
                                    limitProperty,
                                    limit,
                                    waiting.get(),
                                    capacity,
                                    queueProperty));
        }
        queue.add(task);
        startWaiting(task);
    }

    final int limit() {
        return limit;
    }

    /** Tasks that have been given to the runtime and have not ended. */
    final int running() {
        return running.get();
    }

    /** Tasks that wait for others to end. */
    final int waiting() {
        return waiting.get();
    }

    /** Takes effect at once for tasks that wait; those that run go on. */
    final void limit(int newLimit) {
        limit = newLimit;
        startWaiting(null);
    }

    /** Tasks that wait already stay. */
    final void queueCapacity(int newCapacity) {
        queueCapacity = newCapacity;
    }

    private boolean takePlace() {
        int n = running.get();
        while (n < limit) {
            int seen = running.compareAndExchange(n, n + 1);
            if (seen == n) {
                return true;
            }
            n = seen;
        }
        return false;
    }

    /**
     * Starts what waits and may run.
     *
     * @param own what the caller has just queued, which it learns if the runtime refuses it
     */
    private void startWaiting(@Nullable Runnable own) {
        while (!queue.isEmpty() && takePlace()) {
            Runnable next = queue.poll();
            if (next == null) {
                running.decrementAndGet();
                continue;
            }
            waiting.decrementAndGet();
            try {
                start(next);
            } catch (RejectedExecutionException e) {
                if (next == own) {
                    throw e;
                }
                // it was promised a place: it waits for the next that ends
                waiting.incrementAndGet();
                queue.add(next);
                return;
            }
        }
    }

    private void start(Runnable task) {
        try {
            runtime.handle()
                    .spawnDetached(
                            prefix() + started.incrementAndGet(),
                            () -> {
                                run(task);
                                return null;
                            });
        } catch (RejectedExecutionException e) {
            running.decrementAndGet();
            throw new Rejected(
                    "runtime '%s' did not accept a request of '%s': %s"
                            .formatted(runtime.config().name(), name.get(), e.getMessage()));
        }
    }

    private void run(Runnable task) {
        ClassLoader loader = contextClassLoader;
        if (loader != null) {
            Thread me = Thread.currentThread();
            if (me.getContextClassLoader() != loader) {
                me.setContextClassLoader(loader);
            }
        }
        try {
            task.run();
        } finally {
            running.decrementAndGet();
            startWaiting(null);
        }
    }

    private String prefix() {
        String p = prefix;
        if (p == null) {
            p = name.get() + "-exec-";
            prefix = p;
        }
        return p;
    }

    /** Without a stack: servers log it for each connection that they refuse. */
    private static final class Rejected extends RejectedExecutionException {
        @Serial private static final long serialVersionUID = 1;

        Rejected(String message) {
            super(message);
        }

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }

        @Override
        public String toString() {
            return RejectedExecutionException.class.getName() + ": " + getMessage();
        }
    }
}
