package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.CancellableTask;

import org.jspecify.annotations.Nullable;

import java.io.Serial;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
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
    /** For tasks that the runtime has refused although it was idle of them: its queue is full. */
    private static final Executor RETRY =
            CompletableFuture.delayedExecutor(10, TimeUnit.MILLISECONDS);

    private final AvxRuntime runtime;
    private final Supplier<String> name;
    private final @Nullable ClassLoader contextClassLoader;
    private final String limitProperty;
    private final String queueProperty;
    private final Deque<Runnable> queue = new ConcurrentLinkedDeque<>();
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
            startDirectly(task);
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
                    startWaiting(null); // what found no place because of this one
                    throw e;
                }
                // it was promised a place: whoever ends starts it, or if nobody runs, the clock
                waiting.incrementAndGet();
                queue.addFirst(next);
                if (running.get() == 0 && !runtime.isClosing()) {
                    RETRY.execute(() -> startWaiting(null));
                }
                return;
            }
        }
    }

    private void startDirectly(Runnable task) {
        try {
            start(task);
        } catch (RejectedExecutionException e) {
            startWaiting(null); // what found no place because of this one
            throw e;
        }
    }

    private void start(Runnable task) {
        try {
            runtime.handle().spawnDetached(prefix() + started.incrementAndGet(), new Request(task));
        } catch (RejectedExecutionException e) {
            running.decrementAndGet();
            throw new Rejected(
                    "runtime '%s' did not accept a request of '%s': %s"
                            .formatted(runtime.config().name(), name.get(), e.getMessage()));
        }
    }

    /** One task of the server, on its fiber. */
    private final class Request implements CancellableTask<@Nullable Void> {
        private final Runnable task;

        Request(Runnable task) {
            this.task = task;
        }

        @Override
        public @Nullable Void call() {
            RequestExecutor.this.run(task);
            return null;
        }

        /** Only the server can end the connection, so it is told in the way of an interrupt. */
        @Override
        public void cancelled() {
            Thread.currentThread().interrupt();
            RequestExecutor.this.run(task);
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
