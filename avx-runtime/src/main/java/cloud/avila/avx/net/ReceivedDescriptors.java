package cloud.avila.avx.net;

import java.util.List;

/**
 * What {@link UnixStream#recvDescriptors} has received. The descriptors belong to whoever called
 * it; closing this closes those that nobody has taken.
 *
 * @param length bytes put into the buffer, at least 1, or -1 at the end of the stream
 * @param descriptors the descriptors that came with them, perhaps none
 * @param truncated whether more came than the caller has allowed, and the system has closed them
 */
public record ReceivedDescriptors(int length, List<OwnedFd> descriptors, boolean truncated)
        implements AutoCloseable {
    /**
     * Copies the list.
     *
     * @throws NullPointerException if there is none
     */
    public ReceivedDescriptors {
        descriptors = List.copyOf(descriptors);
    }

    /** Closes the descriptors that were not closed or taken yet. Idempotent. */
    @Override
    public void close() {
        descriptors.forEach(OwnedFd::close);
    }
}
