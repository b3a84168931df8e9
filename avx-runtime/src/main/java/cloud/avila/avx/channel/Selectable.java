package cloud.avila.avx.channel;

/**
 * One operation that a select, or a poll task, can wait for: to be told that it may now succeed,
 * not that it does. Whoever is told tries the operation like any newcomer.
 */
interface Selectable {
    /**
     * Adds a waiter. From now on whoever makes the operation possible tells it, once; that may
     * happen before this returns. The caller tries the operation after this returns, since it may
     * have become possible before.
     *
     * @param waiter a new waiter, not registered anywhere else
     */
    void register(SelectWaiter waiter);

    /**
     * Takes a waiter out, leaving nothing behind. If it has been told of something that nobody else
     * was told of, the next in the queue is told now; so this is to be called after the operation
     * that was chosen is done. Called once for each waiter that was registered, told or not.
     *
     * @param waiter a waiter that was registered here
     */
    void deregister(SelectWaiter waiter);
}
