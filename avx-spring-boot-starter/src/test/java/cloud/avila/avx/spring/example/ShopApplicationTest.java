package cloud.avila.avx.spring.example;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT)
class ShopApplicationTest {
    private static final Path HERE = Path.of("src/test/java/cloud/avila/avx/spring/example");

    @LocalServerPort private int port;

    @Test
    void works() throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/reports/ann"))
                            .build();
            assertThat(http.send(request, BodyHandlers.ofString()).body())
                    .isEqualTo("ann: 9 orders, 10 returned");
        }
    }

    @ParameterizedTest
    @CsvSource({"spring-boot.md, ShopApplication", "spring-executors.md, MailRoom"})
    void isTheOneOfTheDocumentation(String document, String source) throws Exception {
        String page = Files.readString(Path.of("../docs", document));
        var blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(page);
        assertThat(blocks.find()).isTrue();
        assertThat(Files.readString(HERE.resolve(source + ".java"))).endsWith(blocks.group(1));
        assertThat(blocks.find()).as("a second example, which no test compiles").isFalse();
    }
}
