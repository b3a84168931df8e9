package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.http.HttpResponse;

/** The files of the console over real HTTP; {@link ConsoleBrowserTest} looks at them. */
class AvxConsoleEndpointTest {
    private static RunningApplication application;

    @BeforeAll
    static void start() {
        application =
                RunningApplication.open(
                        "server.servlet.context-path=/shop",
                        "management.endpoints.web.base-path=/manage",
                        "management.endpoints.web.path-mapping.avxconsole=tools/console",
                        "management.endpoints.web.path-mapping.avx=tools/runtime",
                        "management.endpoints.web.exposure.include=avx,avxconsole");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    @ParameterizedTest
    @CsvSource({
        "'', text/html;charset=UTF-8",
        "/console.js, text/javascript;charset=UTF-8",
        "/console.css, text/css;charset=UTF-8",
        "/icon.svg, image/svg+xml"
    })
    void servesEachPartWithItsType(String part, String type) throws Exception {
        HttpResponse<String> response = application.get("/shop/manage/tools/console" + part);
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).contains(type);
        assertThat(response.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        assertThat(response.headers().firstValue("X-Frame-Options")).contains("DENY");
        assertThat(response.headers().firstValue("Cache-Control")).contains("no-cache");
    }

    @Test
    void hasNoOtherPart() throws Exception {
        assertThat(application.get("/shop/manage/tools/console/index.html").statusCode())
                .isEqualTo(404);
        assertThat(application.get("/shop/manage/tools/console/..%2Fconsole.js").statusCode())
                .isNotEqualTo(200);
    }

    @Test
    void isAddressedRelativelyWhereverTheEndpointsAre() throws Exception {
        assertThat(application.get("/shop/manage/tools/console").body())
                .contains("data-endpoint=\"../tools/runtime\"", "src=\"console/console.js\"")
                .doesNotContain("{self}", "{endpoint}");
    }

    @Test
    void isSmallAndKeepsToItself() throws Exception {
        String html = application.get("/shop/manage/tools/console").body();
        String script = application.get("/shop/manage/tools/console/console.js").body();
        String style = application.get("/shop/manage/tools/console/console.css").body();
        assertThat(html.length() + script.length() + style.length()).isLessThan(60_000);
        assertThat(html + script + style).doesNotContain("http:", "https:", "//cdn", "@import");
        assertThat(html).doesNotContain("<style", " style=", " onclick=", "<script>");
        assertThat(script).doesNotContain("innerHTML", "outerHTML", "insertAdjacent", "eval(");
    }
}
