package cloud.avila.avx.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;

import java.io.File;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import java.util.stream.Stream;

/** Looks at the dashboard with a real browser. */
class DashboardTest extends RunningGateway {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir Path profile;

    @Test
    void thePageLoadsNothingFromOtherHosts() {
        assertThat(gateway.get("/").headers().firstValue("Content-Security-Policy"))
                .hasValueSatisfying(policy -> assertThat(policy).startsWith("default-src 'self'"));
        for (String page :
                List.of("/", "/app.js", "/panel.js", "/feed.js", "/format.js", "/app.css")) {
            assertThat(gateway.get(page)).satisfies(r -> assertThat(r.statusCode()).isEqualTo(200));
            assertThat(gateway.get(page).body()).doesNotContain("http://", "https://", "//cdn");
        }
        assertThat(gateway.get("/webjars/uplot/dist/uPlot.iife.min.js").statusCode())
                .isEqualTo(200);
    }

    @Test
    void chartsMove() {
        ChromeDriver browser = start();
        try {
            browser.get(gateway.uri("/").toString());
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> {
                                assertThat(browser.findElements(By.cssSelector("#charts canvas")))
                                        .hasSizeGreaterThan(2);
                                assertThat(browser.findElement(By.id("status")).getText())
                                        .isEqualTo("live");
                                assertThat(browser.findElements(By.cssSelector("#workers .worker")))
                                        .isNotEmpty();
                            });

            gateway.graphite("ui.temperature 21.5 -1\n");
            By entry = By.cssSelector("#series button[data-name='ui.temperature']");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(browser.findElements(entry)).hasSize(1));
            browser.findElement(By.id("search")).sendKeys("ui.temp");
            assertThat(browser.findElements(By.cssSelector("#series button"))).hasSize(1);
            By first = By.cssSelector("#charts article:first-child");
            By title = By.cssSelector("#charts article:first-child h2");
            // the list is made anew, with another button, whenever a series is new
            await().atMost(PATIENCE)
                    .ignoreExceptionsInstanceOf(StaleElementReferenceException.class)
                    .untilAsserted(
                            () -> {
                                if (!browser.findElement(title)
                                        .getText()
                                        .equals("ui.temperature")) {
                                    browser.findElement(entry).click();
                                }
                                assertThat(browser.findElement(title).getText())
                                        .isEqualTo("ui.temperature");
                            });
            WebElement chart = browser.findElement(first);
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () ->
                                    assertThat(
                                                    chart.findElement(By.cssSelector(".legend b"))
                                                            .getText())
                                            .isEqualTo("21.5"));
            String before = pixels(browser);
            for (int i = 0; i < 5; i++) {
                gateway.graphite("ui.temperature " + (23 + i) + " -1\n");
            }
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> {
                                gateway.graphite("ui.temperature 30 -1\n");
                                assertThat(chart.findElement(By.cssSelector(".legend b")).getText())
                                        .isEqualTo("30");
                                assertThat(pixels(browser)).isNotEqualTo(before);
                            });
            assertThat(browser.manage().logs().get(LogType.BROWSER).getAll().stream())
                    .filteredOn(e -> e.getLevel().intValue() >= Level.SEVERE.intValue())
                    .extracting(LogEntry::getMessage)
                    .isEmpty();
        } finally {
            browser.quit();
        }
    }

    private static String pixels(ChromeDriver browser) {
        return String.valueOf(
                browser.executeScript(
                        "return document.querySelector('#charts canvas').toDataURL()"));
    }

    private ChromeDriver start() {
        var options = new ChromeOptions();
        options.setBinary(installed("chromium", "chromium-browser", "google-chrome").toString());
        options.addArguments(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--window-size=1600,1200",
                "--user-data-dir=" + profile);
        return new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(installed("chromedriver"))
                        .usingAnyFreePort()
                        .build(),
                options);
    }

    private static File installed(String... names) {
        String path = String.valueOf(System.getenv("PATH"));
        return Stream.of(names)
                .flatMap(
                        name ->
                                Stream.of(path.split(File.pathSeparator))
                                        .map(directory -> new File(directory, name)))
                .filter(File::canExecute)
                .findFirst()
                .orElseGet(
                        () ->
                                fail(
                                        "This test needs a browser, and there is no "
                                                + String.join(" or ", names)
                                                + " on the PATH: install chromium and its driver,"
                                                + " on Debian with: apt-get install chromium"
                                                + " chromium-driver"));
    }
}
