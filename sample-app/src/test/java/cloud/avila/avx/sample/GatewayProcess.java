package cloud.avila.avx.sample;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A gateway in a JVM of its own, to be killed. */
final class GatewayProcess implements AutoCloseable {
    private static final Pattern PORT = Pattern.compile("Tomcat started on port (\\d+)");
    private static final Duration START = Duration.ofMinutes(3);

    private final Process process;
    private final Thread logReader;
    private final List<String> log = new ArrayList<>();
    private final CompletableFuture<Integer> started = new CompletableFuture<>();

    /**
     * Starts a gateway.
     *
     * @param dataDir its data
     * @param prefix a command to run it with, may be empty
     * @param settings properties as {@code name=value}
     */
    GatewayProcess(Path dataDir, List<String> prefix, String... settings) throws IOException {
        var command = new ArrayList<String>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--add-opens=java.base/java.lang=ALL-UNNAMED");
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-XX:TieredStopAtLevel=1");
        command.add("-Xmx400m");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(SampleApplication.class.getName());
        command.add("--gateway.data-dir=" + dataDir);
        command.add("--server.port=0");
        command.add("--gateway.statsd.port=0");
        command.add("--gateway.graphite.port=0");
        for (String setting : settings) {
            command.add("--" + setting);
        }
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        logReader = Thread.ofPlatform().daemon().name("gateway-log").start(this::readLog);
    }

    private void readLog() {
        Integer port = null;
        try (BufferedReader reader = process.inputReader()) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                synchronized (log) {
                    log.add(line);
                }
                Matcher matcher = PORT.matcher(line);
                if (matcher.find()) {
                    port = Integer.valueOf(matcher.group(1));
                }
                if (port != null && line.contains("Started SampleApplication")) {
                    started.complete(port);
                }
            }
        } catch (IOException e) {
            started.completeExceptionally(e);
        }
        started.completeExceptionally(new AssertionError("the gateway ended: " + log()));
    }

    GatewayClient client() throws Exception {
        return new GatewayClient(started.get(START.toSeconds(), TimeUnit.SECONDS));
    }

    long pid() {
        return process.pid();
    }

    String log() {
        synchronized (log) {
            return String.join("\n", log);
        }
    }

    /** As kill -9. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** As kill, that is SIGTERM. */
    int terminate() throws InterruptedException {
        // Process.destroy would close the stream that the log comes by
        process.toHandle().destroy();
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            throw new AssertionError("did not end after SIGTERM: " + log());
        }
        logReader.join();
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
