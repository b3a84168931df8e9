package cloud.avila.avx.benchmarks.spring;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.File;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

class SpringServerTest {
    @ParameterizedTest
    @CsvSource({"servlet, postgres", "reactive, h2"})
    void everyEndpointAnswers(String type, String database) throws Exception {
        try (ConfigurableApplicationContext context =
                SpringServer.start(
                        "--spring.main.web-application-type=" + type,
                        "--benchmark.database=" + database)) {
            int port = SpringServer.port(context);
            assertThat(get(port, "hello")).contains("\"message\":\"hello, world\"");
            assertThat(get(port, "slow")).contains("\"message\":\"hello, world\"");
            assertThat(get(port, database)).matches("\\{\"id\":(\\d+),\"message\":\"hello \\1\"}");
            if (type.equals("servlet")) {
                assertThat(get(port, "async")).isEqualTo("{\"id\":4950,\"message\":\"sum\"}");
                assertThat(get(port, "calls")).isEqualTo("{\"id\":4950,\"message\":\"sum\"}");
                measures(port);
            }
        }
    }

    private static String get(int port, String path) throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/" + path)).build();
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            return response.body();
        }
    }

    /** What the comparison does with each case, for a second. */
    private static void measures(int port) throws Exception {
        if (!isInstalled("wrk") || !isInstalled("python3")) {
            return;
        }
        assertThat(python("spring_group.wrk(%d, 'hello', 4, 1)['requests'] > 0".formatted(port)))
                .isEqualTo("True");
        assertThat(python("spring_group.wrk(%d, 'nothing', 4, 1)".formatted(port)))
                .contains("Trouble: Non-2xx or 3xx responses: ");
        assertThat(python("spring_group.cpu_seconds(" + ProcessHandle.current().pid() + ") > 0"))
                .isEqualTo("True");
    }

    private static boolean isInstalled(String program) {
        boolean installed =
                Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
        if (!installed) {
            System.out.println(
                    program + " is not installed: how benchmarks/compare measures is not tested");
        }
        return installed;
    }

    @Test
    void readsWhatWrkWrites() throws Exception {
        if (!isInstalled("python3")) {
            return;
        }
        String report =
                "     50%%  635.91us\\n     99%%    1.64ms\\n  123 requests in 3.00s, 1.1MB read\\n%s"
                        + "Requests/sec:     41.00\\n";
        String parse = "spring_group.parse('" + report + "')";
        assertThat(python(parse.formatted("")))
                .isEqualTo("{'requests': 123, 'rate': 41.0, 'p50': 635.91, 'p99': 1640.0}");
        assertThat(
                        python(
                                parse.formatted(
                                        "  Socket errors: connect 0, read 2, write 0, timeout 0\\n")))
                .contains("Trouble: Socket errors: connect 0, read 2, write 0, timeout 0");
        assertThat(python("spring_group.parse('0 requests in 1.00s')"))
                .contains("Trouble: wrk measured nothing");
    }

    private static String python(String expression) throws Exception {
        Process process =
                new ProcessBuilder(
                                "python3",
                                "-B",
                                "-c",
                                "import spring_group; print(" + expression + ")")
                        .directory(new File(".."))
                        .redirectErrorStream(true)
                        .start();
        String output =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        process.waitFor();
        return output;
    }
}
