package cloud.avila.avx.task;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** A stage, waited for by polling. */
final class StageFuture<T extends @Nullable Object> implements Future<T>, AutoCloseable {
    private final CompletionStage<? extends T> stage;
    private final WakerCell cell = new WakerCell();
    private boolean attached;
    private @Nullable T value; // as failure, written before over
    private @Nullable Throwable failure;
    private volatile boolean over;

    StageFuture(CompletionStage<? extends T> stage) {
        this.stage = Objects.requireNonNull(stage, "stage");
    }

    @Override
    public Poll<T> poll(Context cx) throws Exception {
        if (!over) {
            cell.register(cx.waker());
            if (!attached) {
                attached = true;
                stage.whenComplete(this::completed);
            }
            if (!over) {
                return Poll.pending();
            }
        }
        return cx.budget().tryConsume() ? Poll.ready(completedValue()) : Poll.pending();
    }

    private void completed(@Nullable T result, @Nullable Throwable thrown) {
        value = result;
        failure = thrown;
        over = true;
        cell.wake();
    }

    @SuppressWarnings("NullAway") // null only where T admits it
    private T completedValue() throws Exception {
        Throwable thrown = failure;
        if (thrown instanceof CompletionException && thrown.getCause() != null) {
            thrown = thrown.getCause();
        }
        return switch (thrown) {
            case null -> value;
            case Exception e -> throw e;
            case Error e -> throw e;
            default -> throw new CompletionException(thrown);
        };
    }

    @Override
    public void close() {
        cell.take();
    }
}
