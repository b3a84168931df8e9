package cloud.avila.avx;

/**
 * When the virtual thread of a fiber that has ended runs another fiber.
 *
 * <p>Reuse makes a fiber that never blocks several times cheaper. Between two fibers the runtime
 * clears thread-locals, the interrupt status, the name, the context class loader and the handler of
 * uncaught exceptions; scoped values are unbound. What cannot be hidden: two fibers, one after the
 * other, may see the same {@link Thread} object, and code that kept it may interrupt a later fiber,
 * or give it a permit that lets its next park return at once; a fiber does not inherit {@link
 * InheritableThreadLocal}s and the context class loader of who spawned it, but those of the
 * runtime's creator. To wait for a fiber or to interrupt it, use its {@link JoinHandle}, not its
 * thread.
 */
public enum FiberReuse {
    /** Whenever a fiber has ended. The default. */
    ALWAYS,
    /**
     * Only if the fiber never parked or yielded: a thread that was waited with is not seen again.
     */
    UNTIL_PARKED,
    /** Never: each fiber has a virtual thread of its own, made by who spawns it. */
    NEVER
}
