package cloud.avila.avx.channel;

import cloud.avila.avx.internal.park.WaitQueue;

/**
 * Those who wait until a channel has moved past a position. Who joins reads the position first,
 * adds its waiter, and then looks whether the channel has moved past it meanwhile; if so it leaves.
 * So those who stay joined before the channel moved past them, and those before them in the queue
 * joined even earlier: positions grow along the queue, but for some that are about to leave, and
 * serving may stop at the first that is not passed. Everybody who is passed is told, so nothing
 * needs passing on.
 */
abstract class PositionQueue extends WaitQueue<SelectWaiter> {
    /** Whether the channel has moved past a position. A volatile read. */
    abstract boolean isPassed(long position);

    @Override
    protected void serve() {
        for (SelectWaiter w; (w = first()) != null && isPassed(w.position); ) {
            grant(w, SelectWaiter.TOLD);
        }
    }

    /** Tells those who are passed now, after the channel has moved. */
    final void moved() {
        if (!isEmpty()) {
            service();
        }
    }
}
