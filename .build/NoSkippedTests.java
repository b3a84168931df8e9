import org.w3c.dom.Element;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;

import javax.xml.parsers.DocumentBuilderFactory;

/**
 * Fails when a test of a module was skipped: a test that did not run shows nothing. Only what a
 * machine refuses is excused, and named.
 */
final class NoSkippedTests {
    /** How the reason begins of a test that needs what containers often forbid. */
    private static final String EXCUSE = "io_uring unavailable";

    private NoSkippedTests() {}

    public static void main(String[] args) throws Exception {
        var reports = Path.of(args[0]);
        if (!Files.isDirectory(reports)) {
            return;
        }
        var parser = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        var skipped = new ArrayList<String>();
        try (var files = Files.newDirectoryStream(reports, "TEST-*.xml")) {
            for (var file : files) {
                var marks = parser.parse(file.toFile()).getElementsByTagName("skipped");
                for (int i = 0; i < marks.getLength(); i++) {
                    var mark = (Element) marks.item(i);
                    var test = (Element) mark.getParentNode();
                    var reason = mark.getAttribute("message");
                    var line =
                            test.getAttribute("classname")
                                    + "."
                                    + test.getAttribute("name")
                                    + ": "
                                    + reason;
                    if (reason.startsWith(EXCUSE)) {
                        System.err.println("[WARNING] skipped " + line);
                    } else {
                        skipped.add(line);
                    }
                }
            }
        }
        if (!skipped.isEmpty()) {
            System.err.println("[ERROR] skipped tests: " + skipped.size());
            skipped.forEach(test -> System.err.println("[ERROR]   " + test));
            System.exit(1);
        }
    }
}
