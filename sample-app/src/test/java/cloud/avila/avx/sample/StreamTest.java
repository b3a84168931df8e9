package cloud.avila.avx.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;

import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Scanner;

class StreamTest extends RunningGateway {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Test
    void streamsPointsOfOneSeriesAsTheyAreStored() throws Exception {
        try (HttpClient http = HttpClient.newHttpClient();
                InputStream body = open(http, "/api/stream?name=st.wanted").body();
                var lines = new Scanner(body, StandardCharsets.UTF_8)) {
            gateway.statsd("st.other:1|c\nst.wanted:42|c");

            String data = lines.nextLine();
            while (!data.startsWith("data:")) {
                data = lines.nextLine();
            }
            assertThat(data).matches("data: \\{\"name\":\"st.wanted\",\"t\":\\d+,\"value\":42.0}");
        }
        await().atMost(PATIENCE)
                .untilAsserted(
                        () ->
                                assertThat(gateway.ingest().get("stream").get("clients").asInt())
                                        .isZero());
    }

    @Test
    void streamsEverySeriesWithoutAFilter() throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<InputStream> response = open(http, "/api/stream");
            assertThat(response.headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
            try (InputStream body = response.body();
                    var lines = new Scanner(body, StandardCharsets.UTF_8)) {
                gateway.graphite("st.graphite 7 1234\n");
                String expected = "data: {\"name\":\"st.graphite\",\"t\":1234000,\"value\":7.0}";
                String line = lines.nextLine();
                while (!line.equals(expected)) {
                    line = lines.nextLine();
                }
            }
        }
    }

    private HttpResponse<InputStream> open(HttpClient http, String path) throws Exception {
        return http.send(
                HttpRequest.newBuilder(gateway.uri(path)).timeout(PATIENCE).build(),
                HttpResponse.BodyHandlers.ofInputStream());
    }
}
