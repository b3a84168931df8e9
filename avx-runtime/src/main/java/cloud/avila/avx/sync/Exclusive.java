package cloud.avila.avx.sync;

/** A lock that one thread holds, as its conditions see it. */
interface Exclusive {
    /**
     * Throws unless a thread holds the lock.
     *
     * @param me the calling thread
     * @param operation what it is about to do, for the message
     */
    void checkHeldBy(Thread me, String operation);

    /** Locks, however long it takes. */
    void lock();

    /** Unlocks what the calling thread holds. */
    void unlock();
}
