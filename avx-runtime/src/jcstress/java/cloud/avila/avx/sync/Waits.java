package cloud.avila.avx.sync;

/** Runs what may wait, in actors, which must not throw checked exceptions. */
final class Waits {
    /** What may wait. */
    @FunctionalInterface
    interface Wait {
        /** Waits. */
        void run() throws Exception;
    }

    private Waits() {}

    static void run(Wait wait) {
        try {
            wait.run();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError("a wait that nobody disturbs failed", e);
        }
    }
}
