package cloud.avila.avx.spring.example;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.boot.builder.SpringApplicationBuilder;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

class QuoteApplicationTest {
    @Test
    void works() throws Exception {
        try (var context =
                        new SpringApplicationBuilder(QuoteApplication.class)
                                .run("--server.port=0", "--spring.main.banner-mode=off");
                HttpClient http = HttpClient.newHttpClient()) {
            String port = context.getEnvironment().getRequiredProperty("local.server.port");
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/quotes/tea"))
                            .build();
            assertThat(http.send(request, BodyHandlers.ofString()).body())
                    .isEqualTo("tea: 15, 15 left");
        }
    }
}
