package cloud.avila.avx.spring.example;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
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
    private static final String HERE =
            "src/test/java/cloud/avila/avx/spring/example/ShopApplication.java";

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

    @Test
    void isTheOneOfTheDocumentation() throws Exception {
        String page = Files.readString(Path.of("../docs/spring-boot.md"));
        var blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(page);
        assertThat(blocks.find()).isTrue();
        assertThat(Files.readString(Path.of(HERE))).endsWith(blocks.group(1));
        assertThat(blocks.find()).as("a second example, which no test compiles").isFalse();
    }
}
