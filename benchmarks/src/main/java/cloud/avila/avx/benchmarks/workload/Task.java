package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Callable;

/** A task that every contestant takes as it is, so that none pays for an adapter. */
@FunctionalInterface
public interface Task extends Runnable, Callable<@Nullable Object>, Future<@Nullable Object> {
    @Override
    void run();

    @Override
    @SuppressWarnings("FunctionalInterfaceMethodChanged") // the same code either way
    default @Nullable Object call() {
        run();
        return null;
    }

    @Override
    @SuppressWarnings("FunctionalInterfaceMethodChanged") // the same code either way
    default Poll<@Nullable Object> poll(Context context) {
        run();
        return Poll.ready(null);
    }
}
