package cloud.avila.avx.spring.fit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What this process holds. */
final class Leftovers {
    private Leftovers() {}

    /** Live platform threads that a runtime of the name has started. */
    static List<String> threadsOf(String runtime) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.isAlive() && thread.getName().startsWith(runtime + "-"))
                .map(Thread::getName)
                .toList();
    }

    /**
     * Open descriptors of Linux's kinds that only a driver makes, for example {@code
     * anon_inode:[eventpoll]}, with their number. The JDK's own selectors are among them.
     */
    static Map<String, Integer> descriptors() {
        var found = new TreeMap<String, Integer>();
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            all.forEach(
                    fd -> {
                        String target = target(fd);
                        if (target.startsWith("anon_inode:") || target.startsWith("socket:")) {
                            found.merge(target.replaceAll("\\[\\d+]", ""), 1, Integer::sum);
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private static String target(Path fd) {
        try {
            return Files.readSymbolicLink(fd).toString();
        } catch (NoSuchFileException e) {
            return ""; // closed meanwhile, as the one that lists the directory
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
