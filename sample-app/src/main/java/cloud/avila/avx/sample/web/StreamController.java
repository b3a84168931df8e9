package cloud.avila.avx.sample.web;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.sample.aggregate.Point;
import cloud.avila.avx.sample.live.LiveFeed;
import cloud.avila.avx.sample.live.LiveFeed.Update;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyEmitter;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Streams points as server-sent events, one event for each point: {@code
 * {"name":…,"t":…,"value":…}}. Each client has a fiber, which may wait in a write for as long as
 * the client is slow; meanwhile the client misses windows, is told how many by an event {@code
 * missed}, and they are counted.
 */
@RestController
class StreamController {
    private static final Duration KEEP_ALIVE = Duration.ofSeconds(10);

    private final LiveFeed feed;
    private final AvxRuntime runtime;
    private final JsonMapper json;
    private final AtomicLong clients = new AtomicLong();

    StreamController(LiveFeed feed, AvxRuntime runtime, JsonMapper json) {
        this.feed = feed;
        this.runtime = runtime;
        this.json = json;
    }

    record NamedPoint(String name, long t, double value) {}

    record Missed(long windows) {}

    @GetMapping(path = "/api/stream", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    SseEmitter stream(@RequestParam(required = false) @Nullable String name) {
        LiveFeed.Subscription subscription =
                feed.subscribe()
                        .orElseThrow(
                                () ->
                                        new ResponseStatusException(
                                                HttpStatus.SERVICE_UNAVAILABLE,
                                                feed.clients()
                                                        + " clients are listening; raise"
                                                        + " gateway.stream.max-clients for more"));
        var emitter = new SseEmitter(0L);
        var _ =
                runtime.spawn(
                        "stream-" + clients.incrementAndGet(),
                        () -> {
                            try (subscription) {
                                pump(subscription, name, emitter);
                                emitter.complete();
                            } catch (IOException | IllegalStateException e) {
                                // the client has gone, which Tomcat has noticed and cleaned up
                                // after
                                emitter.completeWithError(e);
                            }
                            return true;
                        });
        return emitter;
    }

    private void pump(LiveFeed.Subscription subscription, @Nullable String name, SseEmitter emitter)
            throws IOException, InterruptedException {
        send(emitter, ": connected\n\n");
        long lastSent = System.nanoTime();
        while (true) {
            String text =
                    switch (subscription.next(KEEP_ALIVE)) {
                        case Update.Points(List<Point> points) -> events(points, name);
                        case Update.Missed(long windows) ->
                                "event: missed\ndata: "
                                        + json.writeValueAsString(new Missed(windows))
                                        + "\n\n";
                        case Update.Nothing() -> "";
                        case Update.End() -> null;
                    };
            if (text == null) {
                return;
            }
            // only a write shows that a client has gone
            if (text.isEmpty() && System.nanoTime() - lastSent >= KEEP_ALIVE.toNanos()) {
                text = ": keep-alive\n\n";
            }
            if (!text.isEmpty()) {
                send(emitter, text);
                lastSent = System.nanoTime();
            }
        }
    }

    private String events(List<Point> points, @Nullable String name) {
        var events = new StringBuilder(name == null ? 128 * points.size() : 128);
        for (Point point : points) {
            if (name == null || name.equals(point.series())) {
                events.append("data: ")
                        .append(
                                json.writeValueAsString(
                                        new NamedPoint(
                                                point.series(),
                                                point.epochMillis(),
                                                point.value())))
                        .append("\n\n");
            }
        }
        return events.toString();
    }

    private static void send(SseEmitter emitter, String text) throws IOException {
        emitter.send(Set.of(new ResponseBodyEmitter.DataWithMediaType(text, MediaType.TEXT_PLAIN)));
    }
}
