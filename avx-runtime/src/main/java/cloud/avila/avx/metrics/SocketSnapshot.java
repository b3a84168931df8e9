package cloud.avila.avx.metrics;

import org.jspecify.annotations.Nullable;

/**
 * An open socket of a runtime, as it was seen.
 *
 * @param kind what it is
 * @param local the address of this end; for a Unix socket its name, for a descriptor its number
 * @param remote the address of the other end; null if it is no connection
 * @param reader who waits in it to receive or to accept; null if nobody does
 * @param writer who waits in it to send; null if nobody does
 */
public record SocketSnapshot(
        SocketKind kind,
        String local,
        @Nullable String remote,
        @Nullable Waiter reader,
        @Nullable Waiter writer) {
    /**
     * Who waits.
     *
     * @param name the name of the task, or of the thread if it is no task of this runtime
     * @param task the number of the task; 0 if it is none of this runtime
     */
    public record Waiter(String name, long task) {}
}
