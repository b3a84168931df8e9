package cloud.avila.avx.sample.journal;

/**
 * When written records are forced to the device. The death of the process loses nothing under any
 * policy; the policy decides what a power failure can lose.
 */
public enum FsyncPolicy {
    /** Before a batch of lines counts as accepted: nothing. */
    ALWAYS,
    /** At an interval: what was accepted within it. */
    INTERVAL,
    /** When the operating system likes. */
    NEVER
}
