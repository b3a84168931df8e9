package cloud.avila.avx.spring.fit;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.spring.fit.ChildJvm.Ended;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

/** Spring's ahead-of-time processing, and a run of what it made. */
class AheadOfTimeTest {
    private static final String CLASS_PATH = System.getProperty("java.class.path");

    @Test
    void theProcessedApplicationRuns(@TempDir Path directory) throws Exception {
        Path sources = directory.resolve("sources");
        Path classes = directory.resolve("classes");
        String main = Application.class.getName();
        new ChildJvm("-cp", CLASS_PATH, "org.springframework.boot.SpringApplicationAotProcessor")
                .runWith(
                        main,
                        sources.toString(),
                        directory.resolve("resources").toString(),
                        classes.toString(),
                        "cloud.avila.avx",
                        "fit",
                        "--socket=true")
                .assertSucceeded();
        assertThat(
                        sources.resolve(
                                "cloud/avila/avx/spring/AvxAutoConfiguration__BeanDefinitions.java"))
                .exists();
        compile(sources, classes);
        Ended ended =
                new ChildJvm(
                                ChildJvm.NATIVE,
                                ChildJvm.OPENS,
                                "-Dspring.aot.enabled=true",
                                "-cp",
                                classes + File.pathSeparator + CLASS_PATH,
                                main)
                        .runWith("--avx.name=processed", "--avx.worker-threads=2")
                        .assertSucceeded();
        assertThat(ended.output())
                .contains("Starting AOT-processed Application")
                .contains("'processed' started in")
                .contains("2 workers, driver ")
                .contains("ran on processed")
                .contains("'processed' stopped in");
    }

    private static void compile(Path sources, Path classes) throws Exception {
        List<String> files;
        try (Stream<Path> all = Files.walk(sources)) {
            files = all.map(Path::toString).filter(file -> file.endsWith(".java")).toList();
        }
        Files.createDirectories(classes);
        var arguments =
                Stream.concat(
                        Stream.of(
                                "-proc:none",
                                "-nowarn",
                                "-cp",
                                classes + File.pathSeparator + CLASS_PATH,
                                "-d",
                                classes.toString()),
                        files.stream());
        int status =
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, null, arguments.toArray(String[]::new));
        assertThat(status).isZero();
    }
}
