package cloud.avila.avx.spring.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import cloud.avila.avx.spring.task.AvxTaskExecutor;

import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.json.JsonParserFactory;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.TaskDecorator;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.yaml.snakeyaml.Yaml;

import java.io.File;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The dashboard and the alert rules, against what a running application publishes, and with
 * Prometheus' own tool where it is installed.
 */
@SpringBootTest(
        webEnvironment = WebEnvironment.RANDOM_PORT,
        properties = {
            "avx.name=monitored",
            "avx.worker-threads=2",
            "avx.executors.mail.concurrency-limit=2",
            "avx.executors.mail.queue-capacity=10",
            "management.endpoints.web.exposure.include=prometheus",
            "management.prometheus.metrics.export.enabled=true",
            "management.tracing.export.enabled=true",
            "management.tracing.sampling.probability=1",
            "spring.main.banner-mode=off"
        })
class MonitoringTest {
    private static final Path RULES = Path.of("../docs/prometheus/avx-alerts.yml");
    private static final Path RULES_TEST = Path.of("../docs/prometheus/avx-alerts-test.yml");
    private static final Path DASHBOARD = Path.of("../docs/grafana/avx.json");
    private static final Pattern METRIC =
            Pattern.compile("\\b(?:avx|executor|process|jvm|tomcat|http)_[a-z0-9_]+\\b");

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir private Path folder;
    @LocalServerPort private int port;
    @Autowired private AvxTaskExecutor executor;
    @Autowired private Tracer tracer;

    @BeforeEach
    void runATask() throws Exception {
        executor.submit(() -> {}).get(30, TimeUnit.SECONDS);
        Future<?> failing = executor.submit(MonitoringTest::fail);
        assertThatThrownBy(() -> failing.get(30, TimeUnit.SECONDS))
                .hasRootCauseMessage("to be counted");
    }

    private static void fail() {
        throw new IllegalStateException("to be counted");
    }

    // --- histograms ---

    @Test
    void timesTheTasksOfTheExecutor() throws Exception {
        String tags = "name=\"applicationTaskExecutor\"";
        String task = ",task=\"" + MonitoringTest.class.getName() + "\"";
        await(
                "text/plain",
                "avx_executor_wait_seconds_bucket{" + tags + task + ",le=\"0.25\"}",
                "avx_executor_run_seconds_count{" + tags + ",outcome=\"success\"" + task,
                "avx_executor_run_seconds_count{" + tags + ",outcome=\"error\"" + task);
    }

    @Test
    void bucketsHaveTheTraceOfATaskAsExemplar() throws Exception {
        Span span = tracer.nextSpan().name("order").start();
        String trace = "trace_id=\"" + span.context().traceId() + "\"";
        var seen = new HashSet<String>();
        // the registry takes no exemplar for some time after it has taken one
        for (int i = 0; seen.size() < 2; i++) {
            assertThat(i).as("only " + seen + " have an exemplar").isLessThan(200);
            try (var scope = tracer.withSpan(span)) {
                assertThat(scope).isNotNull();
                executor.submit(() -> {}).get(30, TimeUnit.SECONDS);
            }
            scrape("application/openmetrics-text; version=1.0.0")
                    .lines()
                    .filter(line -> line.contains(trace))
                    .map(line -> line.split("\\{", 2)[0])
                    .filter(name -> name.endsWith("_bucket"))
                    .forEach(seen::add);
        }
        span.end();
        assertThat(seen)
                .containsExactlyInAnyOrder(
                        "avx_executor_wait_seconds_bucket", "avx_executor_run_seconds_bucket");
    }

    // --- rules and dashboard ---

    @Test
    void everyMetricOfTheRulesIsPublished() throws Exception {
        Set<String> published = published(awaitTimers());
        for (Map<?, ?> rule : rules()) {
            assertPublished("alert " + rule.get("alert"), expression(rule), published);
        }
    }

    @Test
    void everyMetricOfTheDashboardIsPublished() throws Exception {
        Set<String> published = published(awaitTimers());
        for (Map.Entry<String, String> each : expressions()) {
            assertPublished(each.getKey(), each.getValue(), published);
        }
        for (Object variable : list(map(dashboard().get("templating")).get("list"))) {
            String query = String.valueOf(map(variable).get("definition"));
            Matcher metric = METRIC.matcher(query);
            if (metric.find()) {
                assertThat(published).contains(metric.group());
            }
        }
    }

    private static void assertPublished(String where, String expression, Set<String> published) {
        Set<String> used =
                METRIC.matcher(expression)
                        .results()
                        .map(result -> result.group())
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(used).as(where + " reads metrics of AVX: " + expression).isNotEmpty();
        assertThat(published).as(where).containsAll(used);
    }

    private static Set<String> published(String scrape) {
        return scrape.lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.split("[{ ]", 2)[0])
                .collect(Collectors.toSet());
    }

    @Test
    void everyAlertHasASeverityARunbookAndTests() throws Exception {
        var fires = new HashSet<Object>();
        var staysQuiet = new HashSet<Object>();
        for (Object test : list(yaml(RULES_TEST).get("tests"))) {
            for (Object expected : list(map(test).get("alert_rule_test"))) {
                Object name = map(expected).get("alertname");
                (list(map(expected).get("exp_alerts")).isEmpty() ? staysQuiet : fires).add(name);
            }
        }
        List<Map<?, ?>> rules = rules();
        assertThat(rules).isNotEmpty();
        for (Map<?, ?> rule : rules) {
            Object name = rule.get("alert");
            assertThat(fires).contains(name);
            assertThat(staysQuiet).contains(name);
            assertThat(map(rule.get("labels")).get("severity"))
                    .as("severity of " + name)
                    .isIn("info", "warning", "critical");
            assertThat(String.valueOf(map(rule.get("annotations")).get("runbook")))
                    .hasSizeGreaterThan(100);
        }
    }

    @Test
    void theDashboardIsWellFormed() throws Exception {
        var ids = new HashSet<Object>();
        var rows = new ArrayList<String>();
        var taken = new HashSet<String>();
        for (Object each : list(dashboard().get("panels"))) {
            Map<?, ?> panel = map(each);
            assertThat(ids.add(panel.get("id"))).as("id of " + panel.get("title")).isTrue();
            Map<?, ?> at = map(panel.get("gridPos"));
            int x = ((Number) Objects.requireNonNull(at.get("x"))).intValue();
            int y = ((Number) Objects.requireNonNull(at.get("y"))).intValue();
            int width = ((Number) Objects.requireNonNull(at.get("w"))).intValue();
            int height = ((Number) Objects.requireNonNull(at.get("h"))).intValue();
            assertThat(x + width).isLessThanOrEqualTo(24);
            for (int i = x; i < x + width; i++) {
                for (int j = y; j < y + height; j++) {
                    assertThat(taken.add(i + " " + j))
                            .as("overlaps: " + panel.get("title"))
                            .isTrue();
                }
            }
            if ("row".equals(panel.get("type"))) {
                rows.add(String.valueOf(panel.get("title")));
            } else {
                assertThat(map(panel.get("datasource")).get("uid")).isEqualTo("${datasource}");
            }
        }
        assertThat(rows)
                .containsExactly(
                        "Overview",
                        "Workers",
                        "Latency",
                        "Executors",
                        "Scheduler",
                        "Sockets",
                        "Timers",
                        "Stalls",
                        "Blocking pool");
    }

    @Test
    void promtoolFindsNothingWrong() throws Exception {
        Path promtool = promtool();
        if (promtool == null) {
            System.err.println(
                    "[WARNING] promtool is not on the PATH, alert rules and dashboard are checked"
                            + " without it; .ci/promtool or Debian's package prometheus brings it");
            return;
        }
        run(null, promtool, "check", "rules", RULES.toString());
        run(null, promtool, "test", "rules", RULES_TEST.toString());
        run(null, promtool, "check", "rules", expressionsAsRules().toString());
        String own =
                awaitTimers()
                        .lines()
                        .filter(line -> line.matches("(# (HELP|TYPE) )?(avx|executor)_.*"))
                        .collect(Collectors.joining("\n", "", "\n"));
        assertThat(own.lines().count()).isGreaterThan(200);
        run(own, promtool, "check", "metrics");
    }

    private static @Nullable Path promtool() {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .map(directory -> Path.of(directory, "promtool"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }

    private void run(@Nullable String input, Path program, String... arguments) throws Exception {
        var command = new ArrayList<String>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        Path in = Files.writeString(folder.resolve("in"), input == null ? "" : input);
        Path out = folder.resolve("out");
        Process process =
                new ProcessBuilder(command)
                        .redirectInput(in.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(out.toFile())
                        .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(command + " ends").isTrue();
        assertThat(process.exitValue())
                .as(command + ":\n" + Files.readString(out, StandardCharsets.UTF_8))
                .isZero();
    }

    /** As recording rules, so that promtool parses them. */
    private Path expressionsAsRules() throws Exception {
        var rules = new ArrayList<Map<String, String>>();
        for (Map.Entry<String, String> each : expressions()) {
            rules.add(
                    Map.of(
                            "record",
                            "avx:panel" + rules.size(),
                            "expr",
                            each.getValue()
                                    .replace("$__rate_interval", "5m")
                                    .replaceAll("\\$[a-z]+", ".*")));
        }
        var group = Map.of("groups", List.of(Map.of("name", "dashboard", "rules", rules)));
        return Files.writeString(folder.resolve("dashboard.yml"), new Yaml().dump(group));
    }

    // --- files ---

    private static List<Map<?, ?>> rules() throws Exception {
        var all = new ArrayList<Map<?, ?>>();
        for (Object group : list(yaml(RULES).get("groups"))) {
            list(map(group).get("rules")).forEach(rule -> all.add(map(rule)));
        }
        return all;
    }

    private static String expression(Map<?, ?> rule) {
        return String.valueOf(rule.get("expr"));
    }

    private static Collection<Map.Entry<String, String>> expressions() throws Exception {
        var all = new ArrayList<Map.Entry<String, String>>();
        for (Object panel : list(dashboard().get("panels"))) {
            if ("row".equals(map(panel).get("type"))) {
                continue;
            }
            for (Object target : list(map(panel).get("targets"))) {
                all.add(
                        Map.entry(
                                "panel " + map(panel).get("title"),
                                String.valueOf(map(target).get("expr"))));
            }
        }
        assertThat(all).hasSizeGreaterThan(40);
        return all;
    }

    private static Map<?, ?> dashboard() throws Exception {
        return JsonParserFactory.getJsonParser().parseMap(Files.readString(DASHBOARD));
    }

    private static Map<?, ?> yaml(Path file) throws Exception {
        return Objects.requireNonNull(new Yaml().load(Files.readString(file)));
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return (Map<?, ?>) Objects.requireNonNull(value);
    }

    private static List<?> list(@Nullable Object value) {
        return (List<?>) Objects.requireNonNull(value);
    }

    /** What a scrape has once a task was timed, as those of the others are there from the start. */
    private String awaitTimers() throws Exception {
        return await(
                "text/plain",
                "avx_executor_run_seconds_bucket",
                "avx_executor_wait_seconds_bucket");
    }

    /** A task's future ends before its time is recorded. */
    private String await(String accept, String... parts) throws Exception {
        for (int i = 0; ; i++) {
            String scrape = scrape(accept);
            List<String> missing = Stream.of(parts).filter(part -> !scrape.contains(part)).toList();
            if (missing.isEmpty()) {
                return scrape;
            }
            assertThat(i).as("scrapes without " + missing).isLessThan(200);
        }
    }

    private String scrape(String accept) throws Exception {
        Thread.sleep(Duration.ofMillis(110)); // meters may show what was 100 ms ago
        HttpRequest request =
                HttpRequest.newBuilder(
                                URI.create("http://localhost:" + port + "/actuator/prometheus"))
                        .header("Accept", accept)
                        .build();
        return HTTP.send(request, BodyHandlers.ofString()).body();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @EnableScheduling
    static class App {
        @Bean
        TaskDecorator traces(Tracer tracer) {
            return task -> {
                Span span = tracer.currentSpan();
                return () -> {
                    try (var scope = tracer.withSpan(span)) {
                        assertThat(scope).isNotNull();
                        task.run();
                    }
                };
            };
        }
    }
}
