package cloud.avila.avx.sample;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.SequencedMap;
import java.util.TreeMap;

/** Talks to a gateway as the outside world does. */
final class GatewayClient {
    private static final JsonMapper JSON = new JsonMapper();

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(20)).build();
    private final int httpPort;
    private final int statsdPort;
    private final int graphitePort;

    /** Learns the other ports from the HTTP API. */
    GatewayClient(int httpPort) {
        this.httpPort = httpPort;
        JsonNode listeners = ingest().get("listeners");
        statsdPort = port(listeners.get("statsd").asString());
        graphitePort = port(listeners.get("graphite").asString());
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    }

    HttpResponse<String> get(String pathAndQuery) {
        try {
            return http.send(
                    HttpRequest.newBuilder(uri(pathAndQuery))
                            .timeout(Duration.ofSeconds(60))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    URI uri(String pathAndQuery) {
        return URI.create("http://127.0.0.1:" + httpPort + pathAndQuery);
    }

    JsonNode json(String pathAndQuery) {
        HttpResponse<String> response = get(pathAndQuery);
        if (response.statusCode() != 200) {
            throw new AssertionError(
                    pathAndQuery + " answered " + response.statusCode() + ": " + response.body());
        }
        return JSON.readTree(response.body());
    }

    JsonNode ingest() {
        return json("/api/ingest");
    }

    long accepted() {
        return ingest().get("accepted").asLong();
    }

    long rejected(String reason) {
        return ingest().get("rejected").path(reason).asLong(0);
    }

    long dropped(String reason) {
        return ingest().get("droppedByReason").path(reason).asLong(0);
    }

    /** The points of a series by time; empty if there is no such series. */
    SequencedMap<Long, Double> points(String series) {
        return points(series, "");
    }

    SequencedMap<Long, Double> points(String series, String query) {
        String path =
                "/api/series/"
                        + URLEncoder.encode(series, StandardCharsets.UTF_8).replace("+", "%20");
        HttpResponse<String> response = get(path + query);
        var points = new TreeMap<Long, Double>();
        if (response.statusCode() == 200) {
            JsonNode answer = JSON.readTree(response.body());
            for (JsonNode point : answer.get("points")) {
                points.put(point.get("t").asLong(), point.get("value").asDouble());
            }
        } else if (response.statusCode() != 404) {
            throw new AssertionError(path + " answered " + response.statusCode());
        }
        return points;
    }

    double sum(String series) {
        return points(series).values().stream().mapToDouble(Double::doubleValue).sum();
    }

    double last(String series) {
        SequencedMap<Long, Double> points = points(series);
        return points.isEmpty() ? Double.NaN : points.lastEntry().getValue();
    }

    void statsd(String datagram) {
        try (var socket = new DatagramSocket()) {
            byte[] bytes = datagram.getBytes(StandardCharsets.UTF_8);
            socket.send(
                    new DatagramPacket(
                            bytes, bytes.length, InetAddress.getLoopbackAddress(), statsdPort));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    InetSocketAddress statsdAddress() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), statsdPort);
    }

    Socket graphite() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), graphitePort);
    }

    void graphite(String lines) {
        try (Socket socket = graphite()) {
            socket.getOutputStream().write(lines.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
