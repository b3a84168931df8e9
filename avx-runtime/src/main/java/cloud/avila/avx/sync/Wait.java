package cloud.avila.avx.sync;

/** What may end a wait for a lock besides the lock. */
enum Wait {
    /** Nothing. */
    UNINTERRUPTIBLE,

    /** An interrupt. */
    INTERRUPTIBLE,

    /** An interrupt or a deadline. */
    TIMED
}
