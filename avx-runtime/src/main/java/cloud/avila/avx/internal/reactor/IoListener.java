package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;

/** A socket that accepts connections. Any number of threads may accept at the same time. */
public interface IoListener extends IoSocket {
    /**
     * Waits for a connection.
     *
     * <p>Connections that fail before they are accepted are skipped. Want of descriptors or memory
     * is waited out with growing pauses, and counted.
     *
     * @param timeoutNanos longest time to wait
     * @return the connection, or null if the time was over or the socket is closed
     * @throws IOException if accepting failed in a way that no retry will cure
     * @throws InterruptedException if the thread was interrupted; no connection is lost
     */
    @Nullable IoStream accept(long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Times that accepting failed for want of descriptors or memory and was put off.
     *
     * @return the number
     */
    long acceptFailures();
}
