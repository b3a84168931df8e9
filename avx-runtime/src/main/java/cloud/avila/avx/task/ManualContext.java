package cloud.avila.avx.task;

import java.util.Objects;

/** A context outside of any runtime. */
final class ManualContext implements Context, Budget {
    private final Waker waker;
    private int left = OPERATIONS_PER_POLL;

    ManualContext(Waker waker) {
        this.waker = Objects.requireNonNull(waker, "waker");
    }

    @Override
    public Waker waker() {
        return waker;
    }

    @Override
    public Budget budget() {
        return this;
    }

    @Override
    public void pollAgain() {
        waker.wake();
    }

    @Override
    public boolean tryConsume() {
        if (left > 0) {
            left--;
            return true;
        }
        if (left == 0) {
            left = -1;
            waker.wake();
        }
        return false;
    }

    @Override
    public int remaining() {
        return Math.max(0, left);
    }
}
