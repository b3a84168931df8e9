package cloud.avila.avx.spring;

import cloud.avila.avx.FiberAccess;
import cloud.avila.avx.FiberReuse;
import cloud.avila.avx.Priority;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.util.unit.DataSize;

import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The properties {@code avx.*}.
 *
 * @param enabled Whether to start a runtime and to run tasks on it.
 * @param name Name of the runtime, used in thread names, messages and metrics.
 * @param workerThreads Number of workers, 1 to 1024; by default one for each available processor.
 * @param workerStackSize Stack size of a worker thread, 64KB to 1GB, or 0 for the JVM's default;
 *     fibers have stacks of their own.
 * @param workerAffinity Whether each worker stays on one processor; Linux only.
 * @param threadNamePrefix Prefix of worker threads' names; by default the runtime's name and
 *     "-worker-".
 * @param localQueueCapacity Initial capacity of a worker's queue, which grows; a power of two, 2 to
 *     1048576.
 * @param injectionQueueCapacity Most tasks from outside the workers that may wait to start. More
 *     are rejected.
 * @param shutdownTimeout How long running tasks may take to finish when the application stops,
 *     before they are interrupted.
 * @param fibers How fibers are run.
 * @param reactor How sockets are waited for.
 * @param blocking The pool for code that holds its thread.
 * @param watchdog The guard against stuck workers.
 * @param metrics What is measured beyond the runtime's own counters.
 * @param executors Executors with limits of their own, by name; the name is that of the bean and
 *     the qualifier of "@Async".
 * @param spring How Spring uses the runtime.
 * @param web Which web servers use the runtime.
 */
@ConfigurationProperties("avx")
public record AvxProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("avx") String name,
        @Nullable Integer workerThreads,
        @DefaultValue("0B") DataSize workerStackSize,
        @DefaultValue("false") boolean workerAffinity,
        @Nullable String threadNamePrefix,
        @DefaultValue("256") int localQueueCapacity,
        @DefaultValue("1048576") int injectionQueueCapacity,
        @DefaultValue("30s") Duration shutdownTimeout,
        @DefaultValue Fibers fibers,
        @DefaultValue Reactor reactor,
        @DefaultValue Blocking blocking,
        @DefaultValue Watchdog watchdog,
        @DefaultValue Metrics metrics,
        @DefaultValue Map<String, Executor> executors,
        @DefaultValue Spring spring,
        @DefaultValue Web web) {

    /**
     * How fibers are run.
     *
     * @param access How fibers get onto the runtime's own workers: "auto" also without JVM flags,
     *     "opened-only" only with "--add-opens java.base/java.lang=ALL-UNNAMED", "jdk" leaves them
     *     to the JDK's scheduler.
     * @param reuse When a fiber's virtual thread runs another fiber after it: "always",
     *     "until-parked" only if it never waited, or "never".
     */
    public record Fibers(
            @DefaultValue("auto") FiberAccess access, @DefaultValue("always") FiberReuse reuse) {}

    /**
     * How sockets are waited for.
     *
     * @param driver Interface of the operating system that waits for sockets: "auto" for the best
     *     one available, "epoll" or "io_uring" (Linux; the latter gives way to epoll where the
     *     system refuses it), "kqueue" (macOS), or "iocp" (Windows).
     * @param groupSize How many workers share one driver, 1 to 1024, or 0 for all of them.
     */
    public record Reactor(
            @DefaultValue("auto") ReactorDriver driver, @DefaultValue("0") int groupSize) {}

    /**
     * The pool for code that holds its thread.
     *
     * @param maxThreads Most threads of the pool, 1 to 32767.
     * @param keepAlive How long an idle thread stays.
     * @param queueCapacity Most tasks that may wait for a thread; more are rejected.
     */
    public record Blocking(
            @DefaultValue("512") int maxThreads,
            @DefaultValue("10s") Duration keepAlive,
            @DefaultValue("100000") int queueCapacity) {}

    /**
     * The guard against stuck workers.
     *
     * @param stallThreshold How long one piece of work may occupy a worker before it is reported; 0
     *     turns the watchdog off.
     * @param takeOver Whether another thread takes over a stuck worker when work waits for it.
     */
    public record Watchdog(
            @DefaultValue("100ms") Duration stallThreshold,
            @DefaultValue("true") boolean takeOver) {}

    /**
     * What is measured beyond the runtime's own counters.
     *
     * @param taskTimes Whether to time each task of the executors.
     * @param taskClasses How many classes of tasks have a tag of their own in the timers of an
     *     executor, 0 to 1000; the others share one.
     */
    public record Metrics(
            @DefaultValue("true") boolean taskTimes, @DefaultValue("20") int taskClasses) {
        /** Checks the range. */
        public Metrics {
            if (taskClasses < 0 || taskClasses > 1000) {
                throw new InvalidConfigurationPropertyValueException(
                        "avx.metrics.task-classes", taskClasses, "It must be between 0 and 1000.");
            }
        }
    }

    /**
     * An executor with limits of its own.
     *
     * @param concurrencyLimit Most tasks that run at once, 1 to 1000000; has to be set.
     * @param queueCapacity Most tasks that wait for them to end, 0 to 100000000.
     * @param rejectionPolicy What happens to a task when that many wait: "abort" fails its
     *     submission, "caller-runs" runs it on the submitting thread, "discard" drops it,
     *     "discard-oldest" drops the one that has waited longest.
     * @param priority How urgent its tasks are to the workers: "interactive", "normal" or
     *     "background".
     * @param queueTimeout How long a task may wait before it is given up, up to 1 day; 0 for ever.
     */
    public record Executor(
            @Nullable Integer concurrencyLimit,
            @DefaultValue("1000") int queueCapacity,
            @DefaultValue("abort") RejectionPolicy rejectionPolicy,
            @DefaultValue("normal") Priority priority,
            @DefaultValue("0s") Duration queueTimeout) {}

    /** What happens to a task when an executor's queue is full. */
    public enum RejectionPolicy {
        /** Its submission fails with a {@code TaskRejectedException}. */
        ABORT,

        /**
         * The thread that submits it runs it before it goes on. That slows down whoever submits too
         * much, and blocks what must not be blocked; of all policies only this one does.
         */
        CALLER_RUNS,

        /** It is not run; its future ends with a {@code TaskRejectedException}. */
        DISCARD,

        /**
         * The task that has waited longest is not run, and its future ends with a {@code
         * TaskRejectedException}; the new one takes its place.
         */
        DISCARD_OLDEST
    }

    /**
     * How Spring uses the runtime.
     *
     * @param taskExecutor The executor of asynchronous methods and requests.
     * @param taskScheduler The scheduler of methods with "@Scheduled".
     * @param batch Whether batch jobs run on the runtime, which lets whoever starts one go on
     *     before it has ended.
     * @param httpClient Whether clients on the JDK's HttpClient run on the runtime.
     */
    public record Spring(
            @DefaultValue TaskExecutor taskExecutor,
            @DefaultValue TaskScheduler taskScheduler,
            @DefaultValue("false") boolean batch,
            @DefaultValue("false") boolean httpClient) {}

    /**
     * The scheduler of methods with {@code @Scheduled}.
     *
     * @param enabled Whether the application's task scheduler runs on the runtime's timers.
     * @param lateThreshold How long after its due time a run starts that counts as late.
     */
    public record TaskScheduler(
            @DefaultValue("true") boolean enabled, @DefaultValue("1s") Duration lateThreshold) {}

    /**
     * The executor of asynchronous methods and requests.
     *
     * @param mode When the application's task executor runs on the runtime: "auto" unless the
     *     application has one of its own, "force" always, "off" never.
     */
    public record TaskExecutor(@DefaultValue("auto") TaskExecutorMode mode) {}

    /** When the application's task executor runs on the runtime. */
    public enum TaskExecutorMode {
        /**
         * Unless the application defines a bean {@code applicationTaskExecutor} of its own; an
         * executor that {@code @Async} already used stays its executor.
         */
        AUTO,

        /** Always, and for every {@code @Async} method that names no other executor. */
        FORCE,

        /** Never; Spring Boot's own executors are used. */
        OFF
    }

    /**
     * Which web servers use the runtime.
     *
     * @param tomcat Where Tomcat runs requests: "executor" on fibers, "off" on its own threads.
     * @param jetty Where Jetty runs requests: "executor" on fibers, "off" on its own threads.
     * @param webflux Where WebFlux runs handler methods that may block: "executor" on fibers, "off"
     *     on the server's own threads unless the application says otherwise.
     */
    public record Web(
            @DefaultValue("executor") WebMode tomcat,
            @DefaultValue("executor") WebMode jetty,
            @DefaultValue("executor") WebMode webflux) {}

    /** Where a web server runs requests. */
    public enum WebMode {
        /** As fibers of the runtime; connections stay with the server's own threads. */
        EXECUTOR,

        /** As without AVX. */
        OFF
    }

    /**
     * Applies the properties, each checked on its own so that a wrong value is reported under the
     * name the user wrote.
     *
     * @param builder what to change
     * @throws InvalidConfigurationPropertyValueException if a value is out of range
     */
    void applyTo(RuntimeConfig.Builder builder) {
        apply(builder, "name", name, b -> b.name(name));
        if (workerThreads != null) {
            int threads = workerThreads;
            apply(builder, "worker-threads", threads, b -> b.workerThreads(threads));
        }
        apply(
                builder,
                "worker-stack-size",
                workerStackSize,
                b -> b.workerStackSize(workerStackSize.toBytes()));
        apply(builder, "worker-affinity", workerAffinity, b -> b.workerAffinity(workerAffinity));
        if (threadNamePrefix != null) {
            String prefix = threadNamePrefix;
            apply(builder, "thread-name-prefix", prefix, b -> b.threadNamePrefix(prefix));
        }
        apply(
                builder,
                "local-queue-capacity",
                localQueueCapacity,
                b -> b.localQueueCapacity(localQueueCapacity));
        apply(
                builder,
                "injection-queue-capacity",
                injectionQueueCapacity,
                b -> b.injectionQueueCapacity(injectionQueueCapacity));
        apply(
                builder,
                "shutdown-timeout",
                shutdownTimeout,
                b -> b.shutdownTimeout(shutdownTimeout));
        apply(builder, "fibers.access", fibers.access, b -> b.fiberAccess(fibers.access));
        apply(builder, "fibers.reuse", fibers.reuse, b -> b.fiberReuse(fibers.reuse));
        apply(builder, "reactor.driver", reactor.driver, b -> b.reactorDriver(reactor.driver));
        apply(
                builder,
                "reactor.group-size",
                reactor.groupSize,
                b -> b.reactorGroupSize(reactor.groupSize));
        apply(
                builder,
                "blocking.max-threads",
                blocking.maxThreads,
                b -> b.maxBlockingThreads(blocking.maxThreads));
        apply(
                builder,
                "blocking.keep-alive",
                blocking.keepAlive,
                b -> b.blockingKeepAlive(blocking.keepAlive));
        apply(
                builder,
                "blocking.queue-capacity",
                blocking.queueCapacity,
                b -> b.blockingQueueCapacity(blocking.queueCapacity));
        apply(
                builder,
                "watchdog.stall-threshold",
                watchdog.stallThreshold,
                b -> b.stallThreshold(watchdog.stallThreshold));
        apply(builder, "watchdog.take-over", watchdog.takeOver, b -> b.takeOver(watchdog.takeOver));
    }

    private static void apply(
            RuntimeConfig.Builder builder,
            String property,
            Object value,
            Consumer<RuntimeConfig.Builder> setting) {
        try {
            RuntimeConfig.Builder alone = RuntimeConfig.builder();
            setting.accept(alone);
            RuntimeConfig _ = alone.build();
        } catch (IllegalArgumentException e) {
            throw new InvalidConfigurationPropertyValueException(
                    "avx." + property,
                    value,
                    "The setting "
                            + e.getMessage()
                            + ". Choose a value in that range, or remove the property to use the"
                            + " default.",
                    e);
        }
        setting.accept(builder);
    }
}
