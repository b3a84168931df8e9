package cloud.avila.avx.spring.fit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A JVM with the flags that a test is about and no others, on the class path of the tests. */
final class ChildJvm {
    static final String NATIVE = "--enable-native-access=ALL-UNNAMED";
    static final String OPENS = "--add-opens=java.base/java.lang=ALL-UNNAMED";

    /** What a JVM left behind. */
    record Ended(int status, String output) {
        long lines(String text) {
            return output.lines().filter(line -> line.contains(text)).count();
        }

        Ended assertSucceeded() {
            assertThat(status).as(output).isZero();
            return this;
        }
    }

    private final List<String> command = new ArrayList<>();
    private Path directory = Path.of("").toAbsolutePath();

    ChildJvm(String... flags) {
        command.add(ProcessHandle.current().info().command().orElseThrow());
        // it is started often and ends soon
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
        command.addAll(List.of(flags));
    }

    ChildJvm in(Path workingDirectory) {
        directory = workingDirectory;
        return this;
    }

    Ended run(Class<?> main, String... arguments) throws Exception {
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        return runWith(arguments);
    }

    Ended runWith(String... arguments) throws Exception {
        command.addAll(List.of(arguments));
        return run(command, directory);
    }

    static Ended run(List<String> command, Path directory) throws Exception {
        Process process =
                new ProcessBuilder(command)
                        .directory(new File(directory.toString()))
                        .redirectErrorStream(true)
                        .start();
        CompletableFuture<String> output =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return new String(
                                        process.getInputStream().readAllBytes(),
                                        StandardCharsets.UTF_8);
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        if (!process.waitFor(100, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        return new Ended(process.waitFor(), output.get(10, TimeUnit.SECONDS));
    }
}
