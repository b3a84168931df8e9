package cloud.avila.avx.spring.web;

import static cloud.avila.avx.spring.web.RequestExecutorTest.await;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import org.apache.catalina.connector.Connector;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ajp.AbstractAjpProtocol;
import org.apache.coyote.http2.Http2Protocol;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * HTTP/2, TLS, AJP, connectors that the application adds, and NIO2: which of them run requests on
 * fibers, what bounds them, what is reported of them, and how they stop.
 */
@ExtendWith(OutputCaptureExtension.class)
class TomcatVariantsTest {
    private static final int PLAIN = 1;
    private static final int AJP = 2;

    private static @Nullable ConfigurableApplicationContext shared;

    /** HTTP/2 without TLS, with a second connector for HTTP/1.1 and one for AJP. */
    @BeforeAll
    static void startTheSharedOne() {
        shared = start("--server.http2.enabled=true", "--more-connectors=true");
    }

    @AfterAll
    static void stopTheSharedOne() {
        context().close();
    }

    private static ConfigurableApplicationContext context() {
        return Objects.requireNonNull(shared, "not started");
    }

    @Test
    void requestsThatUpgradeToHttp2AreFibers() throws Exception {
        int port = port(context(), 0);
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response = get(client, "http://localhost:" + port + "/where");
            assertThat(response.version()).isEqualTo(Version.HTTP_2);
            assertThat(response.body())
                    .matches("virtual http-nio-auto-\\d+-" + port + "-exec-\\d+ on variants");
        }
    }

    @Test
    void soAreThoseOfClientsThatKnowOfHttp2() throws Exception {
        int port = port(context(), 0);
        assertThat(KnowingClient.get(port, "/where"))
                .matches("virtual http-nio-auto-\\d+-" + port + "-exec-\\d+ on variants");
    }

    @Test
    void allStreamsOfAConnectionMayWaitAndAreCounted() throws Exception {
        assertThat(new Http2Protocol().getMaxConcurrentStreamExecution())
                .as("Tomcat's own number")
                .isEqualTo(TomcatFiberCustomizer.STREAMS_AT_ONCE);
        int streams = 90; // Tomcat lets a connection have 100
        Gate gate = context().getBean(Gate.class);
        TomcatRequestExecutor executor = executor(context(), 0);
        String url = "http://localhost:" + port(context(), 0);
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, url + "/where").version()).isEqualTo(Version.HTTP_2);
            long connections = protocol(context(), 0).getConnectionCount();
            List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
            try {
                for (int i = 0; i < streams; i++) {
                    all.add(getLater(client, url + "/gate"));
                }
                await(() -> gate.inside.get() == streams && executor.getActiveCount() == streams);
                assertThat(protocol(context(), 0).getConnectionCount()).isEqualTo(connections);
                assertThat(get(client, url + "/where").body()).endsWith(" on variants");
                await(() -> executor.getActiveCount() == streams);
                assertThat(jmx(context(), 0, "currentThreadsBusy")).isEqualTo(streams);
                assertThat(jmx(context(), 0, "maxThreads")).isEqualTo(8192);
                assertThat(gauge("tomcat.threads.busy")).isEqualTo(streams);
                assertThat(gauge("tomcat.threads.config.max")).isEqualTo(8192);
            } finally {
                gate.semaphore.release(streams);
            }
            for (CompletableFuture<HttpResponse<String>> one : all) {
                HttpResponse<String> response = one.get(60, TimeUnit.SECONDS);
                assertThat(response.version()).isEqualTo(Version.HTTP_2);
                assertThat(response.body()).isEqualTo("passed");
            }
        }
        await(() -> executor.getActiveCount() == 0 && executor.waiting() == 0);
    }

    @Test
    void aConnectorThatTheApplicationAddsRunsOnFibers() throws Exception {
        int port = port(context(), PLAIN);
        try (var http = new HttpConnection(port)) {
            http.get("/where");
            assertThat(http.response().body())
                    .matches("virtual http-nio-auto-\\d+-" + port + "-exec-\\d+ on variants");
        }
        assertThat(executor(context(), PLAIN).getMaxThreads())
                .as("what the application has set for it")
                .isEqualTo(7);
        assertThat(protocol(context(), PLAIN).getAcceptCount()).isEqualTo(1024);
        assertThat(jmx(context(), PLAIN, "maxThreads"))
                .as("Tomcat's protocol does not ask the executor")
                .isEqualTo(-1);
    }

    @Test
    void requestsOfAjpAreFibers() throws Exception {
        int port = port(context(), AJP);
        try (var proxy = new AjpProxy(port)) {
            proxy.ping();
            assertThat(proxy.get("/where")).matches("virtual ajp-nio-.*-exec-\\d+ on variants");
            assertThat(proxy.get("/where")).endsWith(" on variants");
        }
        assertThat(executor(context(), AJP).getMaxThreads()).isEqualTo(8192);
    }

    @Test
    void aBoundCountsStreamsAndNotConnections() throws Exception {
        try (var context = start("--server.http2.enabled=true", "--server.tomcat.threads.max=2");
                HttpClient client = HttpClient.newHttpClient()) {
            Gate gate = context.getBean(Gate.class);
            TomcatRequestExecutor executor = executor(context, 0);
            String url = "http://localhost:" + port(context, 0);
            assertThat(get(client, url + "/where").version()).isEqualTo(Version.HTTP_2);
            List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                all.add(getLater(client, url + "/gate"));
            }
            await(() -> gate.inside.get() == 2 && executor.waiting() > 0);
            assertThat(jmx(context, 0, "currentThreadsBusy")).isEqualTo(2);
            assertThat(jmx(context, 0, "maxThreads")).isEqualTo(2);
            gate.semaphore.release(5);
            for (CompletableFuture<HttpResponse<String>> one : all) {
                assertThat(one.get(60, TimeUnit.SECONDS).body()).isEqualTo("passed");
            }
            assertThat(gate.most.get()).isEqualTo(2);
        }
    }

    @Test
    void requestsOverTlsAreFibersAndAGracefulStopAnswersThem(@TempDir Path directory)
            throws Exception {
        Path store = directory.resolve("web.p12");
        SSLContext trust = certificate(store);
        ConfigurableApplicationContext context =
                start(
                        "--server.http2.enabled=true",
                        "--server.ssl.bundle=web",
                        "--spring.ssl.bundle.jks.web.keystore.location=file:" + store,
                        "--spring.ssl.bundle.jks.web.keystore.password=secret",
                        "--more-connectors=true");
        AvxRuntime runtime = context.getBean(AvxRuntime.class);
        try (HttpClient http2 = HttpClient.newBuilder().sslContext(trust).build();
                HttpClient http1 =
                        HttpClient.newBuilder()
                                .version(Version.HTTP_1_1)
                                .sslContext(trust)
                                .build();
                var plain = new HttpConnection(port(context, PLAIN));
                var proxy = new AjpProxy(port(context, AJP))) {
            String url = "https://localhost:" + port(context, 0);
            String where =
                    "virtual https-jsse-nio-auto-\\d+-"
                            + port(context, 0)
                            + "-exec-\\d+ on variants";
            assertThat(get(http2, url + "/where"))
                    .returns(Version.HTTP_2, HttpResponse::version)
                    .extracting(HttpResponse::body)
                    .asString()
                    .matches(where);
            assertThat(get(http1, url + "/where"))
                    .returns(Version.HTTP_1_1, HttpResponse::version)
                    .extracting(HttpResponse::body)
                    .asString()
                    .matches(where);
            Gate gate = context.getBean(Gate.class);
            List<CompletableFuture<HttpResponse<String>>> all =
                    List.of(
                            getLater(http2, url + "/gate"),
                            getLater(http2, url + "/gate"),
                            getLater(http1, url + "/gate"));
            int plainPort = port(context, PLAIN);
            plain.get("/gate");
            proxy.send("/gate");
            await(() -> gate.inside.get() == 5);
            assertThat(jmx(context, 0, "currentThreadsBusy")).isEqualTo(3);
            assertThat(jmx(context, 0, "maxThreads")).isEqualTo(8192);
            Thread stop = Thread.ofPlatform().name("stop").start(context::close);
            await(() -> refuses(plainPort));
            assertThat(stop.isAlive()).as("the stop waits for requests").isTrue();
            gate.semaphore.release(5);
            for (CompletableFuture<HttpResponse<String>> one : all) {
                HttpResponse<String> response = one.get(60, TimeUnit.SECONDS);
                assertThat(response.statusCode()).isEqualTo(200);
                assertThat(response.body()).isEqualTo("passed");
            }
            assertThat(plain.response().body()).isEqualTo("passed");
            assertThat(proxy.response()).isEqualTo("passed");
            stop.join();
            assertThat(runtime.isClosed()).isTrue();
            assertThat(Objects.requireNonNull(runtime.shutdownSummary()).cancelled()).isZero();
        }
    }

    private static boolean refuses(int port) {
        try (var http = new HttpConnection(port)) {
            return false;
        } catch (IOException refused) {
            return true;
        }
    }

    @Test
    void nio2KeepsItsOwnThreads(CapturedOutput output) throws Exception {
        try (var context = start("--nio2=true")) {
            try (var http = new HttpConnection(port(context, 0))) {
                http.get("/where");
                assertThat(http.response().body())
                        .matches("platform http-nio2-auto-\\d+-exec-\\d+ on no runtime");
            }
            assertThat(output)
                    .containsPattern(
                            "Tomcat's connector http-nio2-auto-\\d+ runs requests on its own"
                                    + " threads and not on AVX")
                    .contains("avx.web.tomcat=off")
                    .doesNotContain("exclusive");
            assertThat(jmx(context, 0, "maxThreads")).isEqualTo(200);
        }
    }

    private static HttpResponse<String> get(HttpClient client, String url) throws Exception {
        return getLater(client, url).get(60, TimeUnit.SECONDS);
    }

    private static CompletableFuture<HttpResponse<String>> getLater(HttpClient client, String url) {
        return client.sendAsync(
                HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(60)).build(),
                BodyHandlers.ofString());
    }

    private static ConfigurableApplicationContext start(String... more) {
        String[] always = {
            "--server.port=0",
            "--avx.name=variants",
            "--avx.worker-threads=2",
            "--spring.main.banner-mode=off",
            "--management.endpoints.jmx.exposure.exclude=*"
        };
        return new SpringApplicationBuilder(App.class)
                .run(Stream.of(always, more).flatMap(Arrays::stream).toArray(String[]::new));
    }

    private static Connector connector(ConfigurableApplicationContext context, int index) {
        var server =
                (TomcatWebServer) ((ServletWebServerApplicationContext) context).getWebServer();
        return Objects.requireNonNull(server).getTomcat().getService().findConnectors()[index];
    }

    private static AbstractProtocol<?> protocol(ConfigurableApplicationContext context, int index) {
        return (AbstractProtocol<?>) connector(context, index).getProtocolHandler();
    }

    private static TomcatRequestExecutor executor(
            ConfigurableApplicationContext context, int index) {
        return (TomcatRequestExecutor)
                Objects.requireNonNull(protocol(context, index).getExecutor(), "no executor");
    }

    private static int port(ConfigurableApplicationContext context, int index) {
        return connector(context, index).getLocalPort();
    }

    private static Object jmx(ConfigurableApplicationContext context, int index, String attribute)
            throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        String name = nameInJmx(context, index);
        ObjectName pool =
                server.queryNames(new ObjectName("*:type=ThreadPool,name=*"), null).stream()
                        .filter(one -> one.getKeyProperty("name").equals(name))
                        .findFirst()
                        .orElseThrow();
        return server.getAttribute(pool, attribute);
    }

    /** With port 0, the port is not in it: Tomcat registers connectors before they are bound. */
    private static String nameInJmx(ConfigurableApplicationContext context, int index) {
        return protocol(context, index).getName().replace("-" + port(context, index) + "\"", "\"");
    }

    private static double gauge(String name) {
        String pool = nameInJmx(context(), 0);
        return context().getBean(MeterRegistry.class).find(name).gauges().stream()
                .filter(g -> pool.equals('"' + g.getId().getTag("name") + '"'))
                .mapToDouble(Gauge::value)
                .sum();
    }

    /** A certificate of this machine's name for itself; returns what trusts it. */
    private static SSLContext certificate(Path store) throws Exception {
        Process keytool =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-keystore",
                                store.toString(),
                                "-storetype",
                                "PKCS12",
                                "-storepass",
                                "secret",
                                "-alias",
                                "web",
                                "-keyalg",
                                "EC",
                                "-dname",
                                "CN=localhost",
                                "-ext",
                                "SAN=dns:localhost")
                        .redirectErrorStream(true)
                        .start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(keytool.waitFor()).as(said).isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, "secret".toCharArray());
        }
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("web", keys.getCertificate("web"));
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    /** One request of HTTP/2 without TLS and without an upgrade (RFC 9113, section 3.3). */
    private static final class KnowingClient {
        private static final int DATA = 0;
        private static final int SETTINGS = 4;
        private static final int HEADERS = 1;
        private static final int GOAWAY = 7;
        private static final int ACK = 1;
        private static final int END_STREAM = 1;
        private static final int END_HEADERS = 4;

        private KnowingClient() {}

        static String get(int port, String path) throws IOException {
            try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.setSoTimeout(60_000);
                var out = new ByteArrayOutputStream();
                out.writeBytes(latin("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
                frame(out, SETTINGS, 0, 0, new byte[0]);
                var headers = new ByteArrayOutputStream();
                headers.write(0x82); // :method GET
                headers.write(0x86); // :scheme http
                literal(headers, 0x04, path); // :path
                literal(headers, 0x01, "localhost"); // :authority
                frame(out, HEADERS, END_HEADERS | END_STREAM, 1, headers.toByteArray());
                socket.getOutputStream().write(out.toByteArray());
                var in = new DataInputStream(socket.getInputStream());
                var body = new ByteArrayOutputStream();
                while (true) {
                    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
                    int type = in.readUnsignedByte();
                    int flags = in.readUnsignedByte();
                    int stream = in.readInt();
                    byte[] payload = in.readNBytes(length);
                    assertThat(type).as("of the frame").isNotEqualTo(GOAWAY);
                    if (type == SETTINGS && (flags & ACK) == 0) {
                        var ack = new ByteArrayOutputStream();
                        frame(ack, SETTINGS, ACK, 0, new byte[0]);
                        socket.getOutputStream().write(ack.toByteArray());
                    }
                    if (type == DATA && stream == 1) {
                        body.writeBytes(payload);
                    }
                    if (stream == 1 && (flags & END_STREAM) != 0) {
                        return body.toString(StandardCharsets.ISO_8859_1);
                    }
                }
            }
        }

        private static void frame(
                ByteArrayOutputStream out, int type, int flags, int stream, byte[] payload) {
            out.write(payload.length >> 16);
            out.write(payload.length >> 8);
            out.write(payload.length);
            out.write(type);
            out.write(flags);
            out.write(stream >> 24);
            out.write(stream >> 16);
            out.write(stream >> 8);
            out.write(stream);
            out.writeBytes(payload);
        }

        /** A value that is not indexed, of a header that is in the static table. */
        private static void literal(ByteArrayOutputStream out, int name, String value) {
            out.write(name);
            out.write(value.length());
            out.writeBytes(latin(value));
        }

        private static byte[] latin(String text) {
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }
    }

    /** The part of a web server in front of Tomcat: AJP 1.3 with the least that it needs. */
    private static final class AjpProxy implements AutoCloseable {
        private static final int FORWARD = 2;
        private static final int BODY = 3;
        private static final int END = 5;
        private static final int PONG = 9;
        private static final int PING = 10;

        private final Socket socket;
        private final DataInputStream in;

        AjpProxy(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setSoTimeout(60_000);
            in = new DataInputStream(socket.getInputStream());
        }

        void ping() throws IOException {
            packet(new byte[] {PING});
            assertThat(receive()).containsExactly(PONG);
        }

        String get(String path) throws IOException {
            send(path);
            return response();
        }

        void send(String path) throws IOException {
            var bytes = new ByteArrayOutputStream();
            var out = new DataOutputStream(bytes);
            out.writeByte(FORWARD);
            out.writeByte(2); // GET
            string(out, "HTTP/1.1");
            string(out, path);
            string(out, "127.0.0.1");
            string(out, "localhost");
            string(out, "localhost");
            out.writeShort(80);
            out.writeBoolean(false); // no TLS
            out.writeShort(0); // headers
            out.writeByte(0xFF);
            packet(bytes.toByteArray());
        }

        String response() throws IOException {
            var body = new StringBuilder();
            while (true) {
                byte[] packet = receive();
                if (packet[0] == BODY) {
                    int length = (packet[1] & 0xFF) << 8 | packet[2] & 0xFF;
                    body.append(new String(packet, 3, length, StandardCharsets.ISO_8859_1));
                } else if (packet[0] == END) {
                    return body.toString();
                }
            }
        }

        private static void string(DataOutputStream out, String text) throws IOException {
            out.writeShort(text.length());
            out.writeBytes(text);
            out.writeByte(0);
        }

        private void packet(byte[] payload) throws IOException {
            var bytes = new ByteArrayOutputStream();
            var out = new DataOutputStream(bytes);
            out.writeShort(0x1234);
            out.writeShort(payload.length);
            out.write(payload);
            socket.getOutputStream().write(bytes.toByteArray());
        }

        private byte[] receive() throws IOException {
            assertThat(in.readUnsignedShort()).isEqualTo('A' << 8 | 'B');
            byte[] payload = new byte[in.readUnsignedShort()];
            in.readFully(payload);
            return payload;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import({Controller.class, Gate.class, MoreConnectors.class, Nio2.class})
    static class App {}

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnBooleanProperty("more-connectors")
    static class MoreConnectors {
        /** Later than AVX, as an application may be. */
        @Bean
        @Order(Ordered.LOWEST_PRECEDENCE)
        WebServerFactoryCustomizer<TomcatWebServerFactory> moreConnectors() {
            return factory -> {
                var plain = new Connector();
                plain.setPort(0);
                plain.setProperty("maxThreads", "7");
                var ajp = new Connector("org.apache.coyote.ajp.AjpNioProtocol");
                ajp.setPort(0);
                ((AbstractAjpProtocol<?>) ajp.getProtocolHandler()).setSecretRequired(false);
                factory.addAdditionalConnectors(plain, ajp);
            };
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnBooleanProperty("nio2")
    static class Nio2 {
        @Bean
        WebServerFactoryCustomizer<TomcatWebServerFactory> nio2() {
            return factory -> factory.setProtocol("org.apache.coyote.http11.Http11Nio2Protocol");
        }
    }

    static class Gate {
        final Semaphore semaphore = new Semaphore(0);
        final AtomicInteger inside = new AtomicInteger();
        final AtomicInteger most = new AtomicInteger();
    }

    @RestController
    static class Controller {
        private final Gate gate;

        Controller(Gate gate) {
            this.gate = gate;
        }

        @GetMapping("/gate")
        String gate() throws InterruptedException {
            gate.most.accumulateAndGet(gate.inside.incrementAndGet(), Math::max);
            try {
                gate.semaphore.acquire();
            } finally {
                gate.inside.decrementAndGet();
            }
            return "passed";
        }

        @GetMapping("/where")
        String where() {
            Thread thread = Thread.currentThread();
            return (thread.isVirtual() ? "virtual " : "platform ")
                    + thread.getName()
                    + " on "
                    + Handle.tryCurrent().map(Handle::runtimeName).orElse("no runtime");
        }
    }
}
