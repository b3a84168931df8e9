package cloud.avila.avx.spring.fit;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.spring.fit.ChildJvm.Ended;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** Restarts by DevTools, whose jar the build puts beside the classes. */
@EnabledOnOs(OS.LINUX)
class DevToolsTest {

    @Test
    void aRestartClosesTheOldRuntimeAndLeavesNothing(@TempDir Path jars) throws Exception {
        String devtools = "target/fit/spring-boot-devtools.jar";
        assertThat(new File(devtools)).exists();
        Ended ended =
                new ChildJvm(
                                ChildJvm.NATIVE,
                                ChildJvm.OPENS,
                                "-cp",
                                devtools + File.pathSeparator + classPath(jars),
                                RestartedApplication.class.getName())
                        .runWith("--avx.worker-threads=2", "--spring.main.banner-mode=off")
                        .assertSucceeded();
        List<String> runs = ended.output().lines().filter(line -> line.startsWith("run ")).toList();
        assertThat(runs).as(ended.output()).hasSize(3);
        assertThat(runs).allMatch(line -> line.contains("by RestartClassLoader"));
        assertThat(runs.get(2).replace("run 3", ""))
                .as("what the process holds")
                .isEqualTo(runs.get(1).replace("run 2", ""))
                .contains("threads [avx-leak-detector, avx-watchdog, avx-worker-0, avx-worker-1]");
        assertThat(ended.lines("AVX Runtime 'avx' stopped in")).as(ended.output()).isEqualTo(3);
    }

    /** AVX in jars, as applications have it: DevTools loads what is in directories anew. */
    private static String classPath(Path jars) throws IOException {
        var entries = new ArrayList<String>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path path = Path.of(entry);
            entries.add(
                    Files.isDirectory(path) && path.endsWith("classes")
                            ? jar(path, jars.resolve(entries.size() + ".jar")).toString()
                            : entry);
        }
        return String.join(File.pathSeparator, entries);
    }

    private static Path jar(Path directory, Path jar) throws IOException {
        try (var out = new JarOutputStream(Files.newOutputStream(jar));
                var files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(new JarEntry(directory.relativize(file).toString()));
                Files.copy(file, out);
                out.closeEntry();
            }
        }
        return jar;
    }
}
