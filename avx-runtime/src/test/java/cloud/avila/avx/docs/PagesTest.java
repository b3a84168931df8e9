package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Every Java block of README and of a page under docs/ stands, line for line, in a source of a
 * package called docs or example among the tests of some module: so it compiles, and that source's
 * test runs it.
 */
class PagesTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern JAVA_BLOCK =
            Pattern.compile("^```java\\n(.*?)^```", Pattern.DOTALL | Pattern.MULTILINE);

    private static final Pattern LINK = Pattern.compile("]\\(([^)#:\\s]+)(#[^)]*)?\\)");

    private static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>();
        for (Path place : List.of(ROOT, ROOT.resolve("docs"), ROOT.resolve("docs/adr"))) {
            try (Stream<Path> files = Files.list(place)) {
                files.filter(f -> f.toString().endsWith(".md")).sorted().forEach(pages::add);
            }
        }
        return pages;
    }

    private static List<String> examples() throws IOException {
        List<String> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path module : modules.sorted().toList()) {
                Path tests = module.resolve("src/test/java");
                if (Files.isDirectory(tests)) {
                    try (Stream<Path> files = Files.walk(tests)) {
                        for (Path file : files.filter(PagesTest::isExample).toList()) {
                            sources.add(normalized(Files.readString(file)));
                        }
                    }
                }
            }
        }
        return sources;
    }

    private static boolean isExample(Path file) {
        Path folder = file.resolveSibling("");
        return file.toString().endsWith(".java")
                && (folder.endsWith("docs") || folder.endsWith("example"));
    }

    /** Indentation and empty lines do not matter; everything else does. */
    private static String normalized(String code) {
        var lines = new StringBuilder("\n");
        code.lines()
                .map(String::strip)
                .filter(l -> !l.isEmpty())
                .forEach(l -> lines.append(l).append('\n'));
        return lines.toString();
    }

    @Test
    void everyJavaBlockIsCompiledSomewhere() throws IOException {
        List<String> sources = examples();
        List<String> missing = new ArrayList<>();
        int blocks = 0;
        for (Path page : pages()) {
            Matcher matcher = JAVA_BLOCK.matcher(Files.readString(page));
            while (matcher.find()) {
                blocks++;
                String block = normalized(matcher.group(1));
                if (sources.stream().noneMatch(s -> s.contains(block))) {
                    missing.add(ROOT.relativize(page) + ":\n" + matcher.group(1));
                }
            }
        }
        assertFalse(blocks == 0, "no page has an example: is " + ROOT + " the project?");
        assertEquals(List.of(), missing, "blocks that stand in no example of a docs package");
    }

    @Test
    void everyRelativeLinkLeadsSomewhere() throws IOException {
        List<String> broken = new ArrayList<>();
        for (Path page : pages()) {
            Matcher matcher = LINK.matcher(Files.readString(page));
            while (matcher.find()) {
                if (!Files.exists(page.resolveSibling(matcher.group(1)))) {
                    broken.add(ROOT.relativize(page) + " -> " + matcher.group(1));
                }
            }
        }
        assertEquals(List.of(), broken);
    }
}
