package cloud.avila.avx.spring.task;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.FiberDump;
import cloud.avila.avx.metrics.TaskSnapshot;

import org.springframework.core.task.AsyncTaskExecutor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Tasks of an executor which its runtime cancels, many of them before they begin. */
final class CancelledBeforeBegin {
    private CancelledBeforeBegin() {}

    /** Cancels tasks by their numbers until some had not begun, and says how many those were. */
    static int tasks(AvxRuntime runtime, AsyncTaskExecutor executor, String names)
            throws Exception {
        AtomicInteger ran = new AtomicInteger();
        List<Future<?>> futures = new ArrayList<>();
        while (futures.size() < 100 || ran.get() == futures.size()) {
            runtime.blockOn(
                    () -> {
                        for (int i = 0; i < 10; i++) {
                            futures.add(executor.submit(ran::incrementAndGet));
                        }
                        FiberDump live =
                                runtime.dumpFibers(
                                        FiberDump.Options.defaults().withNameContaining(names));
                        for (TaskSnapshot task : live.tasks()) {
                            runtime.cancel(task.id());
                        }
                        return null;
                    });
            for (Future<?> future : futures) {
                try {
                    future.get(30, TimeUnit.SECONDS);
                } catch (CancellationException e) {
                    assertThat(future.isCancelled()).isTrue();
                }
            }
        }
        return futures.size() - ran.get();
    }
}
