package cloud.avila.avx.sample;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The data directory of the gateway that test classes share, inside the build's directory. */
final class Directories {
    private static final Path SHARED = create();

    private Directories() {}

    static Path shared() {
        return SHARED;
    }

    private static Path create() {
        try {
            return Files.createTempDirectory(
                    Files.createDirectories(Path.of("target", "gateway-data")), "test");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
