package cloud.avila.avx.spring.task;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.FutureTask;

/**
 * A task that the executor made for what was submitted: unlike those of the JDK it knows what it
 * runs, tells how that ended, and can be ended from outside with a reason.
 */
sealed interface SubmittedTask extends Runnable {
    /** The class of what was submitted. */
    Class<?> type();

    /** What the submitted code threw; null if it has not ended, or not that way. */
    @Nullable Throwable failure();

    /** Ends the future of a task that will not be run. */
    void giveUp(Throwable reason);

    /** For a class made of a lambda, the class whose source has the lambda. */
    static Class<?> writtenIn(Class<?> type) {
        return type.isHidden() ? type.getNestHost() : type;
    }

    /** A task whose submitter got a future. */
    final class OfFuture<T extends @Nullable Object> extends FutureTask<T>
            implements SubmittedTask {
        private final Class<?> type;

        OfFuture(Class<?> type, Callable<T> callable) {
            super(callable);
            this.type = type;
        }

        @Override
        public Class<?> type() {
            return type;
        }

        @Override
        public String toString() {
            return "future of " + writtenIn(type).getName();
        }

        @Override
        public @Nullable Throwable failure() {
            return state() == State.FAILED ? exceptionNow() : null;
        }

        @Override
        public void giveUp(Throwable reason) {
            setException(reason);
        }
    }

    /** A task whose submitter got a completable future, which is the task itself. */
    final class OfCompletable<T extends @Nullable Object> extends CompletableFuture<T>
            implements SubmittedTask {
        private final Class<?> type;
        private final Callable<T> callable;
        private @Nullable Throwable failure;

        OfCompletable(Class<?> type, Callable<T> callable) {
            this.type = type;
            this.callable = callable;
        }

        @Override
        public <U> CompletableFuture<U> newIncompleteFuture() {
            return new CompletableFuture<>();
        }

        @Override
        public void run() {
            if (isDone()) {
                return;
            }
            T result;
            try {
                result = callable.call();
            } catch (Throwable e) {
                failure = e;
                completeExceptionally(
                        e instanceof CompletionException ? e : new CompletionException(e));
                return;
            }
            complete(result);
        }

        @Override
        public Class<?> type() {
            return type;
        }

        @Override
        public String toString() {
            return "future of " + writtenIn(type).getName();
        }

        @Override
        public @Nullable Throwable failure() {
            return failure;
        }

        @Override
        public void giveUp(Throwable reason) {
            completeExceptionally(reason);
        }
    }
}
