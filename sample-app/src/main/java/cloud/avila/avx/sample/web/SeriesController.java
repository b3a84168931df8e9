package cloud.avila.avx.sample.web;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.sample.aggregate.Point;
import cloud.avila.avx.sample.config.GatewayProperties;
import cloud.avila.avx.sample.store.PointStore;
import cloud.avila.avx.sample.store.SeriesDirectory;
import cloud.avila.avx.sample.store.StoredSeries;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.util.UriUtils;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Answers what series there are, and what their points are. */
@RestController
class SeriesController {
    private static final String PATH = "/api/series/";

    private final SeriesDirectory directory;
    private final PointStore store;
    private final AvxRuntime runtime;
    private final int maxPoints;

    SeriesController(
            SeriesDirectory directory,
            PointStore store,
            AvxRuntime runtime,
            GatewayProperties properties) {
        this.directory = directory;
        this.store = store;
        this.runtime = runtime;
        this.maxPoints = properties.query().maxPoints();
    }

    record SeriesList(int total, List<NewestPoint> series) {}

    record NewestPoint(String name, long t, double value) {}

    record SeriesPoints(String name, List<TimeValue> points, boolean truncated) {}

    record TimeValue(long t, double value) {}

    @GetMapping("/api/series")
    SeriesList list(
            @RequestParam(defaultValue = "") String q,
            @RequestParam(defaultValue = "10000") int limit) {
        String wanted = q.toLowerCase(Locale.ROOT);
        List<NewestPoint> found =
                directory.all().stream()
                        .filter(s -> s.name().toLowerCase(Locale.ROOT).contains(wanted))
                        .map(s -> new NewestPoint(s.name(), s.epochMillis(), s.value()))
                        .sorted(Comparator.comparing(NewestPoint::name))
                        .toList();
        return new SeriesList(found.size(), found.subList(0, Math.clamp(limit, 0, found.size())));
    }

    @GetMapping(PATH + "{*name}")
    SeriesPoints points(
            HttpServletRequest request,
            @RequestParam(required = false) @Nullable String from,
            @RequestParam(required = false) @Nullable String to)
            throws InterruptedException {
        String name = name(request);
        long earliest = time("from", from, Long.MIN_VALUE);
        long latest = time("to", to, Long.MAX_VALUE);
        if (earliest > latest) {
            throw new ResponseStatusException(
                    HttpStatus.BAD_REQUEST,
                    "'from' (" + from + ") is later than 'to' (" + to + ")");
        }
        StoredSeries series =
                directory
                        .find(name)
                        .orElseThrow(
                                () ->
                                        new ResponseStatusException(
                                                HttpStatus.NOT_FOUND,
                                                "no series '"
                                                        + name
                                                        + "'; GET /api/series lists them"));
        // JDBC into the embedded database reads files on the calling thread, so not on a worker
        List<Point> newestFirst =
                runtime.spawnBlocking(
                                () -> store.newestFirst(series, earliest, latest, maxPoints + 1))
                        .join();
        boolean truncated = newestFirst.size() > maxPoints;
        return new SeriesPoints(
                name,
                newestFirst.subList(0, Math.min(newestFirst.size(), maxPoints)).reversed().stream()
                        .map(point -> new TimeValue(point.epochMillis(), point.value()))
                        .toList(),
                truncated);
    }

    /** The name as sent: Spring takes what follows a semicolon for parameters of the path. */
    private static String name(HttpServletRequest request) {
        String path = request.getRequestURI().substring(request.getContextPath().length());
        return UriUtils.decode(path.substring(PATH.length()), StandardCharsets.UTF_8);
    }

    private static long time(String parameter, @Nullable String text, long absent) {
        if (text == null || text.isEmpty()) {
            return absent;
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException notMillis) {
            try {
                return Instant.parse(text).toEpochMilli();
            } catch (DateTimeParseException | ArithmeticException notInstant) {
                throw new ResponseStatusException(
                        HttpStatus.BAD_REQUEST,
                        "'"
                                + parameter
                                + "' must be a time in epoch milliseconds or like"
                                + " 2026-01-31T12:00:00Z, but is '"
                                + text
                                + "'");
            }
        }
    }
}
