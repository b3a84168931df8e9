package cloud.avila.avx.internal.fiber;

/** Tells which platform thread runs the caller. */
public final class Carrier {
    private Carrier() {}

    /**
     * The platform thread under the caller: the carrier of a virtual thread, else the thread
     * itself.
     *
     * <p>On a virtual thread the answer holds only until the next point where it may unmount: a
     * park, a yield, a contended monitor. Code that uses it must not have one in between. Where the
     * JDK does not let us see carriers the answer on a virtual thread is the virtual thread.
     *
     * @return the carrier
     */
    public static Thread current() {
        return FiberThreads.carrier();
    }
}
