import org.w3c.dom.Element;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;

import javax.xml.parsers.DocumentBuilderFactory;

/** Fails when a test of a module was skipped: a test that did not run shows nothing. */
final class NoSkippedTests {
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
                    skipped.add(
                            test.getAttribute("classname")
                                    + "."
                                    + test.getAttribute("name")
                                    + ": "
                                    + mark.getAttribute("message"));
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
