package cloud.avila.avx;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.WakerCell;

import org.jspecify.annotations.Nullable;

/** Waits for a task's end by polling. */
final class JoinFuture<T extends @Nullable Object> implements Future<T>, AutoCloseable {
    private final TaskHandle<T> task;
    private final WakerCell cell = new WakerCell();
    private TaskHandle.@Nullable Waiter waiter;

    JoinFuture(TaskHandle<T> task) {
        this.task = task;
    }

    @Override
    public Poll<T> poll(Context cx) {
        if (!task.hasEnded()) {
            cell.register(cx.waker());
            if (waiter == null) {
                waiter = task.whenEnded(cell::wake);
            }
            if (!task.hasEnded()) {
                return Poll.pending();
            }
        }
        return cx.budget().tryConsume() ? Poll.ready(task.joined()) : Poll.pending();
    }

    @Override
    public void close() {
        cell.take();
        if (waiter != null) {
            task.giveUp(waiter);
        }
    }
}
