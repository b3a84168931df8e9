package cloud.avila.avx.spring.web;

import static cloud.avila.avx.spring.web.RequestExecutorTest.await;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.websocket.OnMessage;
import jakarta.websocket.server.ServerEndpoint;

import org.apache.coyote.AbstractProtocol;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalManagementPort;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import org.springframework.web.socket.server.standard.ServerEndpointExporter;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32;

import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Everything that HTTP clients do to a Tomcat whose requests are fibers, over real sockets, with
 * the properties at their defaults except that virtual threads are on, which AVX replaces.
 */
@SpringBootTest(
        webEnvironment = WebEnvironment.RANDOM_PORT,
        properties = {
            "avx.name=tomcat",
            "avx.worker-threads=2",
            "spring.threads.virtual.enabled=true",
            "spring.main.banner-mode=off",
            "spring.servlet.multipart.max-file-size=200MB",
            "spring.servlet.multipart.max-request-size=200MB",
            "server.tomcat.mbeanregistry.enabled=true",
            "management.server.port=0",
            "management.endpoints.web.exposure.include=where",
            "management.endpoints.jmx.exposure.exclude=*"
        })
class TomcatFibersTest {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final int HALF_REQUESTS = 250; // more than Tomcat has threads by default

    @LocalServerPort private int port;
    @LocalManagementPort private int managementPort;
    @Autowired private AvxRuntime runtime;
    @Autowired private MeterRegistry meters;
    @Autowired private Controller controller;
    @Autowired private ServletWebServerApplicationContext context;

    /** No fiber, and no place of the executor, outlives its request. */
    @AfterEach
    void leavesNothingBehind() throws Exception {
        TomcatRequestExecutor executor = executor();
        await(() -> executor.getActiveCount() == 0 && executor.waiting() == 0);
        await(() -> runtime.dumpFibers().toString().lines().noneMatch(l -> l.contains("-exec-")));
    }

    private TomcatRequestExecutor executor() {
        return (TomcatRequestExecutor)
                Objects.requireNonNull(protocol().getExecutor(), "no executor");
    }

    private AbstractProtocol<?> protocol() {
        return (AbstractProtocol<?>)
                ((TomcatWebServer) Objects.requireNonNull(context.getWebServer()))
                        .getTomcat()
                        .getConnector()
                        .getProtocolHandler();
    }

    @Test
    void requestsAreFibersNamedByTheirConnector() throws Exception {
        try (var http = new HttpConnection(port)) {
            http.get("/where");
            assertThat(http.response().body())
                    .matches(
                            "virtual http-nio-auto-\\d+-"
                                    + port
                                    + "-exec-\\d+ on tomcat, loader"
                                    + " TomcatEmbeddedWebappClassLoader");
        }
    }

    @Test
    void soAreThoseOfTheManagementServer() throws Exception {
        try (var http = new HttpConnection(managementPort)) {
            http.get("/actuator/where");
            assertThat(http.response().body())
                    .matches(
                            "\"?virtual http-nio-auto-\\d+-"
                                    + managementPort
                                    + "-exec-\\d+ on tomcat.*");
        }
    }

    @Test
    void jmxAndMetersTellHowManyRequestsRun() throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName pool =
                server.queryNames(new ObjectName("*:type=ThreadPool,name=*"), null).stream()
                        .filter(name -> name.getKeyProperty("name").equals(nameInJmx()))
                        .findFirst()
                        .orElseThrow();
        List<HttpConnection> connections = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                var http = new HttpConnection(port);
                connections.add(http);
                http.get("/gate");
            }
            await(() -> controller.gate.getQueueLength() == 3);
            assertThat(server.getAttribute(pool, "currentThreadsBusy")).isEqualTo(3);
            assertThat(server.getAttribute(pool, "currentThreadCount")).isEqualTo(3);
            assertThat(server.getAttribute(pool, "maxThreads")).isEqualTo(8192);
            assertThat(server.getAttribute(pool, "maxConnections")).isEqualTo(8192);
            assertThat(server.getAttribute(pool, "acceptCount")).isEqualTo(1024);
            assertThat((Long) server.getAttribute(pool, "connectionCount"))
                    .isGreaterThanOrEqualTo(3);
            assertThat(gauge("tomcat.threads.busy")).isEqualTo(3);
            assertThat(gauge("tomcat.threads.current")).isEqualTo(3);
            assertThat(gauge("tomcat.threads.config.max")).isEqualTo(8192);
            assertThat(gauge("tomcat.connections.config.max")).isEqualTo(8192);
        } finally {
            controller.gate.release(3);
        }
        for (HttpConnection http : connections) {
            assertThat(http.response().status()).isEqualTo(200);
            http.close();
        }
        await(() -> gauge("tomcat.threads.busy") == 0);
    }

    /** With port 0, the port is not in it: Tomcat registers connectors before they are bound. */
    private String nameInJmx() {
        return protocol().getName().replace("-" + port, "");
    }

    private double gauge(String name) {
        return meters.find(name).gauges().stream()
                .filter(g -> nameInJmx().equals('"' + g.getId().getTag("name") + '"'))
                .mapToDouble(Gauge::value)
                .sum();
    }

    @Test
    void speaksWebSocket() throws Exception {
        var answers = new StringBuffer();
        var end = new CompletableFuture<Integer>();
        var listener =
                new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(
                            WebSocket socket, CharSequence text, boolean last) {
                        answers.append(text);
                        if (last) {
                            answers.append('\n');
                        }
                        socket.request(1);
                        return CompletableFuture.completedStage(null);
                    }

                    @Override
                    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
                        end.complete(code);
                        return CompletableFuture.completedStage(null);
                    }

                    @Override
                    public void onError(WebSocket socket, Throwable error) {
                        end.completeExceptionally(error);
                    }
                };
        WebSocket socket =
                HTTP.newWebSocketBuilder()
                        .buildAsync(URI.create("ws://localhost:" + port + "/echo"), listener)
                        .get(60, TimeUnit.SECONDS);
        String large = "x".repeat(8000);
        for (int i = 0; i < 100; i++) {
            socket.sendText("message " + i, true).get(60, TimeUnit.SECONDS);
        }
        socket.sendText(large, true).get(60, TimeUnit.SECONDS);
        await(() -> answers.indexOf(large) > 0);
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(60, TimeUnit.SECONDS);
        assertThat(end.get(60, TimeUnit.SECONDS)).isEqualTo(WebSocket.NORMAL_CLOSURE);
        List<String> lines = answers.toString().lines().toList();
        assertThat(lines).hasSize(101);
        for (int i = 0; i < 100; i++) {
            assertThat(lines.get(i)).isEqualTo("message " + i + " on tomcat");
        }
    }

    @Test
    void sendsEvents() throws Exception {
        var events =
                HTTP.send(request("/events").build(), BodyHandlers.ofLines())
                        .body()
                        .filter(line -> line.startsWith("data:"))
                        .toList();
        assertThat(events).hasSize(50).startsWith("data:event 0").endsWith("data:event 49");
    }

    @Test
    void takesAnUploadOf100Megabytes() throws Exception {
        byte[] block = new byte[1 << 20];
        for (int i = 0; i < block.length; i++) {
            block[i] = (byte) (i * 31);
        }
        int blocks = 100;
        var crc = new CRC32();
        for (int i = 0; i < blocks; i++) {
            crc.update(block);
        }
        String head =
                "--sep\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n"
                        + "Content-Type: application/octet-stream\r\n\r\n";
        HttpRequest request =
                request("/upload")
                        .header("Content-Type", "multipart/form-data; boundary=sep")
                        .POST(
                                BodyPublishers.ofInputStream(
                                        () ->
                                                new SequenceInputStream(
                                                        Collections.enumeration(
                                                                List.of(
                                                                        bytes(head),
                                                                        repeated(block, blocks),
                                                                        bytes(
                                                                                "\r\n--sep--\r\n"))))))
                        .build();
        assertThat(HTTP.send(request, BodyHandlers.ofString()).body())
                .isEqualTo(blocks * (long) block.length + " " + crc.getValue() + " on tomcat");
    }

    private static InputStream bytes(String text) {
        return new java.io.ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static InputStream repeated(byte[] block, int times) {
        return new SequenceInputStream(
                Collections.enumeration(
                        Collections.nCopies(times, block).stream()
                                .<InputStream>map(java.io.ByteArrayInputStream::new)
                                .toList()));
    }

    @Test
    void echoesChunksWhileTheyCome() throws Exception {
        try (var http = new HttpConnection(port)) {
            http.send(
                    "POST /chunks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
            http.send("6\r\nfirst \r\n");
            http.send("7\r\nsecond \r\n");
            // the answer begins before the request has ended
            assertThat(http.line()).isEqualTo("HTTP/1.1 200 ");
            String line;
            boolean chunked = false;
            while (!(line = http.line()).isEmpty()) {
                chunked |= line.equalsIgnoreCase("transfer-encoding: chunked");
            }
            assertThat(chunked).isTrue();
            assertThat(http.line()).isEqualTo("1");
            assertThat(http.line()).isEqualTo("f");
            http.send("4\r\nlast\r\n0\r\n\r\n");
            var rest = new StringBuilder("f");
            while (!(line = http.line()).equals("0")) {
                assertThat(Integer.parseInt(line, 16)).isEqualTo(1);
                rest.append(http.line());
            }
            assertThat(rest).hasToString("first second last");
        }
    }

    @Test
    void answersPipelinedRequestsInOrder() throws Exception {
        try (var http = new HttpConnection(port)) {
            var requests = new StringBuilder();
            for (int i = 0; i < 50; i++) {
                requests.append("GET /number?n=" + i + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
            }
            http.send(requests.toString());
            for (int i = 0; i < 50; i++) {
                assertThat(http.response().body()).isEqualTo(Integer.toString(i));
            }
        }
    }

    @Test
    void saysContinueToThoseWhoWaitForIt() throws Exception {
        try (var http = new HttpConnection(port)) {
            http.send(
                    "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                            + "Expect: 100-continue\r\n\r\n");
            assertThat(http.response().status()).isEqualTo(100);
            http.send("hello");
            assertThat(http.response().body()).isEqualTo("5");
        }
    }

    @Test
    void servesOthersWhileManySendHalfARequest() throws Exception {
        List<HttpConnection> slow = new ArrayList<>();
        try {
            for (int i = 0; i < HALF_REQUESTS; i++) {
                var head = new HttpConnection(port);
                slow.add(head);
                head.send("GET /where HTTP/1.1\r\nHost: local");
                var body = new HttpConnection(port);
                slow.add(body);
                body.send(
                        "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome");
            }
            TomcatRequestExecutor executor = executor();
            await(() -> executor.getActiveCount() == HALF_REQUESTS);
            try (var http = new HttpConnection(port)) {
                for (int i = 0; i < 90; i++) {
                    http.get("/number?n=" + i);
                    assertThat(http.response().body()).isEqualTo(Integer.toString(i));
                }
            }
            await(() -> executor.getActiveCount() == HALF_REQUESTS);
            slow.get(1).send("x".repeat(96));
            assertThat(slow.get(1).response().body()).isEqualTo("100");
        } finally {
            for (HttpConnection http : slow) {
                http.close();
            }
        }
    }

    @Test
    void endsTheFiberOfAClientThatIsGone() throws Exception {
        int before = controller.aborted.get();
        AbstractProtocol<?> protocol = protocol();
        long connections = protocol.getConnectionCount();
        for (int i = 0; i < 5; i++) {
            var http = new HttpConnection(port);
            http.get("/endless");
            assertThat(http.line()).isEqualTo("HTTP/1.1 200 ");
            http.abort();
            int uploads = controller.uploads.get();
            var uploading = new HttpConnection(port);
            uploading.send(
                    "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome");
            // a request that has not been read when its client goes is none
            await(() -> controller.uploads.get() > uploads);
            uploading.abort();
        }
        await(() -> controller.aborted.get() == before + 10);
        await(() -> protocol.getConnectionCount() <= connections);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .timeout(Duration.ofSeconds(100));
    }

    private static String describeThread() {
        Thread thread = Thread.currentThread();
        return (thread.isVirtual() ? "virtual " : "platform ")
                + thread.getName()
                + " on "
                + Handle.tryCurrent().map(Handle::runtimeName).orElse("no runtime")
                + ", loader "
                + Objects.requireNonNull(thread.getContextClassLoader()).getClass().getSimpleName();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import({Controller.class, Where.class, Echo.class})
    static class App {
        @Bean
        ServerEndpointExporter endpoints() {
            return new ServerEndpointExporter();
        }
    }

    @Endpoint(id = "where")
    static class Where {
        @ReadOperation
        String where() {
            return describeThread();
        }
    }

    /** Echoes, and says where it ran. */
    @ServerEndpoint("/echo")
    public static class Echo {
        /** Creates the endpoint. */
        public Echo() {}

        /** What the container calls. */
        @OnMessage
        public String message(String text) {
            return text.length() > 100 ? text : text + " on " + Handle.current().runtimeName();
        }
    }

    @RestController
    static class Controller {
        final Semaphore gate = new Semaphore(0);
        final AtomicInteger uploads = new AtomicInteger();
        final AtomicInteger aborted = new AtomicInteger();

        @GetMapping("/where")
        String where() {
            return describeThread();
        }

        @GetMapping("/number")
        String number(@RequestParam int n) {
            return Integer.toString(n);
        }

        @GetMapping("/gate")
        String gate() throws InterruptedException {
            gate.acquire();
            return "passed";
        }

        @PostMapping("/upload")
        String upload(@RequestParam MultipartFile file) throws IOException {
            var crc = new CRC32();
            long size = 0;
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = file.getInputStream()) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    crc.update(buffer, 0, n);
                    size += n;
                }
            }
            return size + " " + crc.getValue() + " on " + Handle.current().runtimeName();
        }

        @PostMapping("/chunks")
        void chunks(HttpServletRequest request, HttpServletResponse response) throws IOException {
            InputStream in = request.getInputStream();
            OutputStream out = response.getOutputStream();
            for (int b = in.read(); b >= 0; b = in.read()) {
                out.write(b);
                out.flush();
            }
        }

        @PostMapping("/length")
        String length(HttpServletRequest request) throws IOException {
            uploads.incrementAndGet();
            try {
                return Integer.toString(request.getInputStream().readAllBytes().length);
            } catch (IOException e) {
                aborted.incrementAndGet();
                throw e;
            }
        }

        @GetMapping("/endless")
        void endless(HttpServletResponse response) throws IOException {
            try {
                OutputStream out = response.getOutputStream();
                byte[] some = new byte[8192];
                while (true) {
                    out.write(some);
                }
            } catch (IOException e) {
                aborted.incrementAndGet();
                throw e;
            }
        }

        @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
        SseEmitter events() {
            var emitter = new SseEmitter(60_000L);
            Handle.current()
                    .spawnDetached(
                            "events",
                            () -> {
                                for (int i = 0; i < 50; i++) {
                                    emitter.send("event " + i);
                                }
                                emitter.complete();
                                return null;
                            });
            return emitter;
        }
    }
}
