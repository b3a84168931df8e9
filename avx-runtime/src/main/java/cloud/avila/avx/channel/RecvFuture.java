package cloud.avila.avx.channel;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

/** Receives by polling; dropping it leaves nothing behind. */
final class RecvFuture<T> implements Future<RecvResult<T>>, AutoCloseable {
    private final Receiver<T> receiver;
    private final Runnable forget;

    /** A future that polls the receiver, and how to take its registration back. */
    RecvFuture(Receiver<T> receiver, Runnable forget) {
        this.receiver = receiver;
        this.forget = forget;
    }

    @Override
    public Poll<RecvResult<T>> poll(Context cx) {
        return receiver.pollRecv(cx);
    }

    @Override
    public void close() {
        forget.run();
    }
}
