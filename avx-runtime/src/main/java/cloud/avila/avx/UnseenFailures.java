package cloud.avila.avx;

import java.lang.ref.Cleaner;

/**
 * Reports failures of tasks whose handles are garbage without anybody having asked how the task
 * ended. Costs only tasks that fail while nobody waits for them.
 */
final class UnseenFailures {
    /** A failure, and whether somebody has been told. */
    static final class Failure {
        final Throwable cause;
        volatile boolean seen;

        Failure(Throwable cause) {
            this.cause = cause;
        }
    }

    /** Made at the first failure, since it has a thread. */
    private static final class Watch {
        static final Cleaner CLEANER = Cleaner.create(Watch::thread);

        /** Must not refer to the application, or its class loader would stay for ever. */
        private static Thread thread(Runnable task) {
            Thread thread =
                    Thread.ofPlatform()
                            .name("avx-unseen-failures")
                            .daemon(true)
                            .inheritInheritableThreadLocals(false)
                            .unstarted(task);
            thread.setContextClassLoader(null);
            return thread;
        }
    }

    /** Must not refer to the task, or that would stay reachable. */
    private record Report(RuntimeHooks hooks, String task, Failure failure) implements Runnable {
        @Override
        public void run() {
            if (!failure.seen) {
                hooks.failed(task, failure.cause);
            }
        }
    }

    private UnseenFailures() {}

    /**
     * Has a failure reported when its owner is garbage, unless it has been seen.
     *
     * @param owner what one has to refer to in order to see the failure
     */
    static void watch(Object owner, RuntimeHooks hooks, String task, Failure failure) {
        Watch.CLEANER.register(owner, new Report(hooks, task, failure));
    }
}
