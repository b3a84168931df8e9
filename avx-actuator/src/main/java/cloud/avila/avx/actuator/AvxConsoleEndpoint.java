package cloud.avila.avx.actuator;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.Access;
import org.springframework.boot.actuate.endpoint.EndpointId;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.web.PathMappedEndpoints;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpoint;
import org.springframework.util.MimeType;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The endpoint {@code /actuator/avxconsole}: a page that shows what the endpoint {@code avx} tells,
 * live. It reads that endpoint with the rights of who looks at it, loads nothing from elsewhere,
 * and works under a strict content security policy.
 */
@WebEndpoint(id = "avxconsole", defaultAccess = Access.READ_ONLY)
public final class AvxConsoleEndpoint {
    private static final Map<String, MimeType> PARTS =
            Map.of(
                    "console.js", MimeType.valueOf("text/javascript;charset=UTF-8"),
                    "console.css", MimeType.valueOf("text/css;charset=UTF-8"),
                    "icon.svg", MimeType.valueOf("image/svg+xml"));
    private static final MimeType HTML = MimeType.valueOf("text/html;charset=UTF-8");

    private final Supplier<@Nullable PathMappedEndpoints> paths;
    private final Runnable headers;
    private final Map<String, byte[]> loaded = new ConcurrentHashMap<>();

    /**
     * Creates the endpoint.
     *
     * @param paths tells where endpoints are, when first asked; may give null
     * @param headers called in each request, to set headers of its response
     */
    AvxConsoleEndpoint(Supplier<@Nullable PathMappedEndpoints> paths, Runnable headers) {
        this.paths = paths;
        this.headers = headers;
    }

    /**
     * The page.
     *
     * @return its HTML
     */
    @ReadOperation(produces = "text/html;charset=UTF-8")
    public WebEndpointResponse<byte[]> page() {
        headers.run();
        return new WebEndpointResponse<>(loaded.computeIfAbsent("index.html", this::page), HTML);
    }

    /**
     * A part of the page.
     *
     * @param part its name
     * @return its content; 404 if there is no such part
     */
    @ReadOperation(produces = {"text/javascript", "text/css", "image/svg+xml"})
    public WebEndpointResponse<byte[]> part(@Selector String part) {
        MimeType type = PARTS.get(part);
        if (type == null) {
            return new WebEndpointResponse<>(WebEndpointResponse.STATUS_NOT_FOUND);
        }
        headers.run();
        return new WebEndpointResponse<>(
                loaded.computeIfAbsent(part, AvxConsoleEndpoint::load), type);
    }

    /** The page, with relative addresses, which hold behind any prefix that a proxy takes away. */
    private byte[] page(String name) {
        PathMappedEndpoints endpoints = paths.get();
        String self = path(endpoints, "avxconsole");
        String up = "../".repeat((int) self.chars().filter(c -> c == '/').count());
        return new String(load(name), StandardCharsets.UTF_8)
                .replace("{self}", escaped(self.substring(self.lastIndexOf('/') + 1)))
                .replace("{endpoint}", escaped(up + path(endpoints, "avx")))
                .getBytes(StandardCharsets.UTF_8);
    }

    private static String path(@Nullable PathMappedEndpoints endpoints, String id) {
        String path = endpoints == null ? null : endpoints.getRootPath(EndpointId.of(id));
        return path == null ? id : path;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("\"", "&quot;").replace("<", "&lt;");
    }

    private static byte[] load(String name) {
        try (InputStream in = AvxConsoleEndpoint.class.getResourceAsStream("console/" + name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("the console's " + name + " cannot be read", e);
        }
    }
}
