package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * Much data through each way of reading and writing, in both directions at once, with checksums. 24
 * MiB each; {@code -Davx.volume.mib=1024} is the long form.
 */
@Timeout(1200)
@DisabledOnOs(OS.WINDOWS)
class SocketVolumeTest extends RuntimeSockets {
    private static final long BYTES = Long.getLong("avx.volume.mib", 24) << 20;
    private static final int CHUNK = 128 << 10;

    @TempDir Path directory;

    /** A way for the bytes. */
    enum Way {
        ARRAYS,
        HEAP_BUFFERS,
        DIRECT_BUFFERS,
        SEVERAL_BUFFERS,
        STREAM_VIEWS,
        FILES_BY_PATH,
        FILES_BY_CHANNEL,
        UNIX,
        PROXY
    }

    @ParameterizedTest
    @EnumSource
    void whatIsSentArrives(Way way) throws Exception {
        long seed = Long.getLong("avx.seed", System.nanoTime());
        System.out.println("SocketVolumeTest " + way + ": -Davx.seed=" + seed);
        Path file = directory.resolve("sent");
        long fileSum =
                way == Way.FILES_BY_PATH || way == Way.FILES_BY_CHANNEL ? write(file, seed) : 0;
        onFiber(
                () -> {
                    switch (way) {
                        case UNIX -> {
                            try (var pair = UnixStream.pair()) {
                                bothWays(way, pair.first(), pair.second(), seed, file, fileSum);
                            }
                        }
                        case PROXY -> {
                            try (var left = Pair.connect();
                                    var right = UnixStream.pair()) {
                                var proxy =
                                        spawn(
                                                () ->
                                                        assertEquals(
                                                                new SocketStream.Copied(
                                                                        BYTES, BYTES),
                                                                SocketStream.copyBidirectional(
                                                                        left.server(),
                                                                        right.first())));
                                bothWays(way, left.client(), right.second(), seed, file, fileSum);
                                proxy.join();
                            }
                        }
                        default -> {
                            try (var pair = Pair.connect()) {
                                bothWays(way, pair.client(), pair.server(), seed, file, fileSum);
                            }
                        }
                    }
                });
    }

    private void bothWays(
            Way way, SocketStream a, SocketStream b, long seed, Path file, long fileSum)
            throws Exception {
        var there = runtime().spawn(() -> send(way, a, seed, file, fileSum));
        var back = runtime().spawn(() -> send(way, b, ~seed, file, fileSum));
        var atB = runtime().spawn(() -> receive(way, b, directory.resolve("at-b")));
        var atA = runtime().spawn(() -> receive(way, a, directory.resolve("at-a")));
        assertEquals(there.join(), atB.join());
        assertEquals(back.join(), atA.join());
    }

    private static long write(Path file, long seed) throws IOException {
        var random = new SplittableRandom(seed);
        var crc = new CRC32C();
        byte[] chunk = new byte[CHUNK];
        try (var channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (long left = BYTES; left > 0; left -= chunk.length) {
                random.nextBytes(chunk);
                crc.update(chunk);
                channel.write(ByteBuffer.wrap(chunk));
            }
        }
        return crc.getValue();
    }

    private static long send(Way way, SocketStream to, long seed, Path file, long fileSum)
            throws Exception {
        if (way == Way.FILES_BY_PATH) {
            assertEquals(BYTES, to.transferFrom(file, 0, BYTES));
            to.shutdownOutput();
            return fileSum;
        }
        if (way == Way.FILES_BY_CHANNEL) {
            try (var channel = FileChannel.open(file)) {
                assertEquals(BYTES, to.transferFrom(channel, 0, BYTES));
            }
            to.shutdownOutput();
            return fileSum;
        }
        var random = new SplittableRandom(seed);
        var crc = new CRC32C();
        byte[] chunk = new byte[CHUNK];
        ByteBuffer direct = ByteBuffer.allocateDirect(CHUNK);
        var view = to.outputStream();
        for (long left = BYTES; left > 0; left -= chunk.length) {
            random.nextBytes(chunk);
            crc.update(chunk);
            switch (way) {
                case HEAP_BUFFERS -> to.writeAll(ByteBuffer.wrap(chunk));
                case DIRECT_BUFFERS -> to.writeAll(direct.clear().put(chunk).flip());
                case SEVERAL_BUFFERS -> {
                    int cut = 1 + random.nextInt(CHUNK - 1);
                    var first = ByteBuffer.wrap(chunk, 0, cut);
                    var second = direct.clear().put(chunk, cut, CHUNK - cut).flip();
                    while (to.write(first, second) > 0) {
                        continue;
                    }
                }
                case STREAM_VIEWS -> view.write(chunk);
                default -> to.writeAll(chunk);
            }
        }
        to.shutdownOutput();
        return crc.getValue();
    }

    private static long receive(Way way, SocketStream from, Path file) throws Exception {
        var crc = new CRC32C();
        byte[] chunk = new byte[100_000];
        ByteBuffer heap = ByteBuffer.wrap(chunk);
        ByteBuffer direct = ByteBuffer.allocateDirect(70_000);
        long bytes = 0;
        if (way == Way.FILES_BY_PATH || way == Way.FILES_BY_CHANNEL) {
            try (var channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE)) {
                assertEquals(BYTES, from.transferTo(channel, 0, BYTES + 1));
                while (channel.read(heap.clear()) > 0) {
                    crc.update(heap.flip());
                }
            }
            return crc.getValue();
        }
        var view = from.inputStream();
        int count;
        do {
            switch (way) {
                case HEAP_BUFFERS -> {
                    count = from.read(heap.clear());
                    crc.update(heap.flip());
                }
                case DIRECT_BUFFERS -> {
                    count = from.read(direct.clear());
                    crc.update(direct.flip());
                }
                case SEVERAL_BUFFERS -> {
                    count = from.read(heap.clear(), direct.clear());
                    crc.update(heap.flip());
                    crc.update(direct.flip());
                }
                case STREAM_VIEWS -> {
                    count = view.read(chunk);
                    crc.update(chunk, 0, Math.max(count, 0));
                }
                default -> {
                    count = from.read(chunk);
                    crc.update(chunk, 0, Math.max(count, 0));
                }
            }
            bytes += Math.max(count, 0);
        } while (count >= 0);
        assertEquals(BYTES, bytes);
        return crc.getValue();
    }
}
