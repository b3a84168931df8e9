package cloud.avila.avx.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import cloud.avila.avx.AvxRuntime;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Exports;
import java.lang.module.ModuleDescriptor.Requires;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

class ModuleDescriptorTest {
    private final ModuleDescriptor module = builtModule();

    @Test
    void exportsExactlyThePublicPackages() {
        assertEquals(
                List.of(
                        "cloud.avila.avx",
                        "cloud.avila.avx.atomic",
                        "cloud.avila.avx.channel",
                        "cloud.avila.avx.metrics",
                        "cloud.avila.avx.net",
                        "cloud.avila.avx.simulation",
                        "cloud.avila.avx.sync",
                        "cloud.avila.avx.task",
                        "cloud.avila.avx.time"),
                List.copyOf(exportedPackages()));
    }

    @Test
    void requiresNothingButTheJdkBase() {
        assertEquals(
                Map.of(
                        "java.base", Set.of(Requires.Modifier.MANDATED),
                        "java.instrument", Set.of(Requires.Modifier.STATIC),
                        "jdk.jfr", Set.of(Requires.Modifier.STATIC),
                        "org.jspecify", Set.of(Requires.Modifier.STATIC)),
                module.requires().stream()
                        .collect(Collectors.toMap(Requires::name, Requires::modifiers)));
    }

    @Test
    void staysClosedToReflection() {
        assertFalse(module.isOpen());
        assertEquals(Set.of(), module.opens());
        assertEquals(
                Map.of("cloud.avila.avx.internal.simulation", Set.of("java.instrument")),
                module.exports().stream()
                        .filter(Exports::isQualified)
                        .collect(Collectors.toMap(Exports::source, Exports::targets)));
    }

    static SortedSet<String> exportedPackages() {
        return builtModule().exports().stream()
                .filter(exports -> !exports.isQualified())
                .map(Exports::source)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static ModuleDescriptor builtModule() {
        try {
            var classes =
                    Path.of(
                            AvxRuntime.class
                                    .getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI());
            try (var in = Files.newInputStream(classes.resolve("module-info.class"))) {
                return ModuleDescriptor.read(in);
            }
        } catch (IOException | URISyntaxException e) {
            throw new AssertionError("cannot read the built module's descriptor", e);
        }
    }
}
