package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;

/**
 * The open sockets of a driver by their descriptor number.
 *
 * <p>Two levels, so that it grows without copying: chunks are created once by compare-and-set and
 * never replaced. Every access is volatile. An entry is set by the thread that opened the
 * descriptor and cleared before the number is released, so entries are never contended.
 */
final class SocketTable {
    private static final int CHUNK_BITS = 12;
    private static final int CHUNK = 1 << CHUNK_BITS;
    private static final int CHUNKS = 1 << 10;

    /** Descriptor numbers from here on cannot be stored. */
    static final int CAPACITY = CHUNK * CHUNKS;

    private final AtomicReferenceArray<@Nullable AtomicReferenceArray<@Nullable ReadinessSocket>>
            chunks = new AtomicReferenceArray<>(CHUNKS);

    @Nullable ReadinessSocket get(int fd) {
        if (fd < 0 || fd >= CAPACITY) {
            return null;
        }
        AtomicReferenceArray<@Nullable ReadinessSocket> chunk = chunks.get(fd >> CHUNK_BITS);
        return chunk == null ? null : chunk.get(fd & (CHUNK - 1));
    }

    void set(ReadinessSocket socket) {
        int index = socket.fd >> CHUNK_BITS;
        AtomicReferenceArray<@Nullable ReadinessSocket> chunk = chunks.get(index);
        if (chunk == null) {
            var made = new AtomicReferenceArray<@Nullable ReadinessSocket>(CHUNK);
            chunk = chunks.compareAndExchange(index, null, made);
            if (chunk == null) {
                chunk = made;
            }
        }
        chunk.set(socket.fd & (CHUNK - 1), socket);
    }

    void remove(ReadinessSocket socket) {
        AtomicReferenceArray<@Nullable ReadinessSocket> chunk = chunks.get(socket.fd >> CHUNK_BITS);
        if (chunk != null) {
            chunk.compareAndSet(socket.fd & (CHUNK - 1), socket, null);
        }
    }

    /** All, also those that are closed and used still by an operation. */
    List<ReadinessSocket> all() {
        return first(Integer.MAX_VALUE, _ -> true);
    }

    /** Those with the lowest numbers of which something holds. */
    List<ReadinessSocket> first(int most, Predicate<ReadinessSocket> wanted) {
        var first = new ArrayList<ReadinessSocket>();
        for (int i = 0; i < CHUNKS && first.size() < most; i++) {
            AtomicReferenceArray<@Nullable ReadinessSocket> chunk = chunks.get(i);
            for (int j = 0; chunk != null && j < CHUNK && first.size() < most; j++) {
                ReadinessSocket socket = chunk.get(j);
                if (socket != null && wanted.test(socket)) {
                    first.add(socket);
                }
            }
        }
        return first;
    }
}
