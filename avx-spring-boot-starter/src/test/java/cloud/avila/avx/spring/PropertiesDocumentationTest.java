package cloud.avila.avx.spring;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.boot.json.JsonParserFactory;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The properties an IDE offers and those of docs/spring-boot.md are the same. */
class PropertiesDocumentationTest {
    private static final String METADATA = "META-INF/spring-configuration-metadata.json";

    @Test
    void everyPropertyIsDocumented() throws IOException {
        Map<String, String> actual = new TreeMap<>();
        for (var url : Collections.list(getClass().getClassLoader().getResources(METADATA))) {
            try (InputStream in = url.openStream()) {
                String json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
                for (Object property : properties(json)) {
                    Map<?, ?> p = (Map<?, ?>) property;
                    String name = String.valueOf(p.get("name"));
                    if (name.startsWith("avx.")
                            || name.matches("management\\..*\\.avx(console)?\\..*")) {
                        Object byDefault = p.get("defaultValue");
                        actual.put(
                                name,
                                "| `%s` | %s | %s |"
                                        .formatted(
                                                name,
                                                byDefault == null ? "" : "`" + byDefault + "`",
                                                p.get("description")));
                    }
                }
            }
        }
        Map<String, String> documented = new TreeMap<>();
        var row = Pattern.compile("^\\| `((?:avx|management)\\.[a-z.-]+)` \\|.*\\|$");
        for (String line : Files.readAllLines(Path.of("../docs/spring-boot.md"))) {
            var match = row.matcher(line);
            if (match.matches()) {
                assertThat(documented.put(match.group(1), line)).as("twice: " + line).isNull();
            }
        }
        assertThat(documented)
                .as(
                        "docs/spring-boot.md should have these rows:\n%s",
                        String.join("\n", actual.values()))
                .isEqualTo(actual);
    }

    private static List<?> properties(String json) {
        return (List<?>)
                Objects.requireNonNull(
                        JsonParserFactory.getJsonParser().parseMap(json).get("properties"));
    }
}
