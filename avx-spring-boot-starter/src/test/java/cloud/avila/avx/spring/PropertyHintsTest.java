package cloud.avila.avx.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import cloud.avila.avx.Priority;
import cloud.avila.avx.spring.AvxProperties.Executor;
import cloud.avila.avx.spring.AvxProperties.RejectionPolicy;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.json.JsonParserFactory;

import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;

/** What an IDE offers as values: every constant with what it means, and nothing else. */
class PropertyHintsTest {
    private static final Path METADATA =
            Path.of("target/classes/META-INF/spring-configuration-metadata.json");

    @Test
    void everyValueOfAnEnumIsExplained() throws Exception {
        Map<String, Object> metadata;
        try (InputStream in = Files.newInputStream(METADATA)) {
            metadata =
                    JsonParserFactory.getJsonParser()
                            .parseMap(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
        Map<String, Class<?>> enums = new TreeMap<>();
        for (Map<?, ?> property : maps(metadata.get("properties"))) {
            String name = String.valueOf(property.get("name"));
            if (name.startsWith("avx.")) {
                Class<?> type = type(String.valueOf(property.get("type")));
                if (type.isEnum()) {
                    enums.put(name, type);
                }
            }
        }
        assertThat(enums).containsKey("avx.reactor.driver");
        Map<String, List<Map<?, ?>>> hints = new TreeMap<>();
        for (Map<?, ?> hint : maps(metadata.get("hints"))) {
            if (hint.get("values") != null) {
                hints.put(String.valueOf(hint.get("name")), maps(hint.get("values")));
            }
        }
        assertThat(hints).containsOnlyKeys(enums.keySet());
        enums.forEach(
                (name, type) -> explains(name, type, Objects.requireNonNull(hints.get(name))));
    }

    /**
     * The format has no hint for a property below the keys of a map. An IDE follows the type of the
     * map's values instead, so that must say what they are.
     */
    @Test
    void whatIsBelowTheKeysOfAMapHasTypesThatTellItsValues() throws Exception {
        assertThat(Files.readString(METADATA))
                .contains("java.util.Map<java.lang.String," + Executor.class.getName() + ">");
        assertThat(Executor.class.getRecordComponents())
                .extracting(RecordComponent::getName, RecordComponent::getType)
                .contains(
                        tuple("rejectionPolicy", RejectionPolicy.class),
                        tuple("priority", Priority.class),
                        tuple("queueTimeout", Duration.class));
    }

    private static void explains(String name, Class<?> type, List<Map<?, ?>> values) {
        var constants = new TreeSet<Object>();
        for (Map<?, ?> value : values) {
            String text = String.valueOf(value.get("value"));
            assertThat(String.valueOf(value.get("description")))
                    .as(name + "=" + text)
                    .endsWith(".");
            constants.add(
                    new Binder(new MapConfigurationPropertySource(Map.of("value", text)))
                            .bind("value", Bindable.of(type))
                            .get());
        }
        assertThat(constants).as(name).containsExactlyInAnyOrder(type.getEnumConstants());
    }

    private static Class<?> type(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            return Object.class; // a generic type, which has no constants
        }
    }

    private static List<Map<?, ?>> maps(@Nullable Object list) {
        var maps = new ArrayList<Map<?, ?>>();
        for (Object element : (List<?>) Objects.requireNonNull(list)) {
            maps.add((Map<?, ?>) element);
        }
        return maps;
    }
}
