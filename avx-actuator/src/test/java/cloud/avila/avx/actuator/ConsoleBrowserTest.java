package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.actuator.RunningApplication.Circle;
import cloud.avila.avx.actuator.RunningApplication.Contention;
import cloud.avila.avx.actuator.RunningApplication.Hog;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.EndpointRequest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;

import java.io.File;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Level;
import java.util.stream.Stream;

/** Looks at the console with a real browser. */
@Timeout(300)
class ConsoleBrowserTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir static Path profile;
    private static ChromeDriver browser;
    private static RunningApplication application;

    @BeforeAll
    static void start() {
        browser = startBrowser();
        application =
                RunningApplication.open(
                        "server.servlet.context-path=/shop",
                        "management.endpoints.web.base-path=/manage",
                        "management.endpoints.web.exposure.include=avx,avxconsole");
    }

    @AfterAll
    static void stop() {
        browser.quit();
        application.close();
    }

    @BeforeEach
    void open() {
        open(application, "/shop/manage/avxconsole");
    }

    private static void open(RunningApplication application, String path) {
        browser.get(application.uri(path).toString());
        browser.executeScript("try { localStorage.clear() } catch (e) {}");
    }

    @Test
    void showsTheFiguresOfAnApplication() throws Exception {
        eventually(() -> assertThat(text("status")).isEqualTo("live"));
        assertThat(text("runtime")).isEqualTo("shop");
        assertThat(all("#workers li")).hasSize(2);
        assertThat(text("workers-note")).isEqualTo("2 in use");
        eventually(
                () ->
                        assertThat(text("executors"))
                                .containsSubsequence("mail", "3", "5", "7", "93", "41", "reports"));
        String before = text("f-live-note");
        String heat = pixels();
        eventually(
                () -> {
                    for (int i = 0; i < 500; i++) {
                        application.runtime.spawn(() -> 1).join();
                    }
                    assertThat(text("f-live-note")).isNotEqualTo(before);
                    assertThat(text("latency-readout")).contains("p50 ≤ ", " timed");
                    assertThat(pixels()).isNotEqualTo(heat);
                });
        assertThat(complaints()).isEmpty();
    }

    @Test
    void reactsToAStall() throws Exception {
        try (var hog = new Hog(application.runtime, "greedy")) {
            eventually(
                    () -> {
                        assertThat(text("alarm")).contains("1 worker is stalled.");
                        assertThat(text("f-stalled")).isEqualTo("1");
                        assertThat(text("stalls"))
                                .contains("goes-on", "fiber \"greedy\"", "RunningApplication$Hog");
                    });
            // another worker may stall beside it, and come first
            eventually(
                    () -> {
                        WebElement stall =
                                all("#stalls details").stream()
                                        .filter(each -> each.getText().contains("greedy"))
                                        .findFirst()
                                        .orElseThrow();
                        if (stall.getDomAttribute("open") == null) {
                            stall.findElement(By.tagName("summary")).click();
                        }
                        assertThat(stall.findElement(By.tagName("pre")).getText())
                                .contains("cloud.avila.avx.actuator.RunningApplication$Hog");
                    });
        }
        eventually(
                () -> {
                    assertThat(browser.findElement(By.id("alarm")).isDisplayed()).isFalse();
                    assertThat(all("#stalls .tag"))
                            .isNotEmpty()
                            .allSatisfy(tag -> assertThat(tag.getText()).isEqualTo("over"));
                });
    }

    @Test
    void findsFibersAndGroupsEqualStacks() throws Exception {
        var release = new CountDownLatch(1);
        List<JoinHandle<?>> same = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            same.add(
                    application.runtime.spawn(
                            "order-" + i,
                            () -> {
                                release.await();
                                return 1;
                            }));
        }
        try (var contention = new Contention(application.runtime, "stock")) {
            type("order-");
            eventually(
                    () -> {
                        assertThat(all("#fibers details")).hasSize(1);
                        assertThat(text("fibers")).contains("5 ×", "waiting");
                    });
            browser.findElement(By.id("fiber-group")).click();
            eventually(() -> assertThat(all("#fibers details")).hasSize(5));

            type("waiter-for-stock");
            eventually(() -> assertThat(all("#fibers details")).hasSize(1));
            browser.findElement(By.cssSelector("#fibers summary")).click();
            eventually(
                    () ->
                            assertThat(
                                            browser.findElement(By.cssSelector("#fibers .inside"))
                                                    .getText())
                                    .contains("waits on", "stock", "held by holder-of-stock"));
            // what is shown is replaced as the fiber goes from running to waiting
            eventually(() -> browser.findElement(By.cssSelector("#fibers .inside button")).click());
            eventually(() -> assertThat(text("fibers")).contains("\"holder-of-stock\""));
            assertThat(value("fiber-name")).isEqualTo("holder-of-stock");

            type("nobody of this name");
            eventually(() -> assertThat(text("fibers")).isEqualTo("No fiber matches."));
        } finally {
            release.countDown();
            for (JoinHandle<?> task : same) {
                task.join();
            }
        }
    }

    @Test
    void filtersByState() throws Exception {
        try (var contention = new Contention(application.runtime, "by-state")) {
            type("-by-state");
            eventually(() -> assertThat(text("fibers")).contains("by-state"));
            choose("blocked");
            eventually(() -> assertThat(text("fibers")).isEqualTo("No fiber matches."));
            choose("waiting");
            eventually(() -> assertThat(text("fibers")).contains("by-state"));
        }
    }

    @Test
    void showsDeadlocks() {
        assertThat(text("deadlocks")).doesNotContain("transfer");
        try (var circle = new Circle(application.runtime)) {
            eventually(
                    () -> {
                        assertThat(text("deadlocks")).contains("\"transfer-1\"", "\"transfer-2\"");
                        assertThat(text("alarm")).contains("1 deadlock");
                    });
        }
    }

    @Test
    void showsNamesAsTheyAre() throws Exception {
        var release = new CountDownLatch(1);
        String name = "<img src=x onerror=alert(1)><b>bold";
        var task =
                application.runtime.spawn(
                        name,
                        () -> {
                            release.await();
                            return 1;
                        });
        try {
            type("onerror");
            eventually(() -> assertThat(text("fibers")).contains(name));
            assertThat(all("#fibers img, #fibers b")).isEmpty();
        } finally {
            release.countDown();
            task.join();
        }
    }

    @Test
    void canBeUsedByKeyboard() throws Exception {
        browser.navigate().refresh();
        assertThat(focusedAfterTabs(16))
                .containsExactly(
                        "#main",
                        "#workers-section",
                        "#latency-section",
                        "#executors-section",
                        "#fibers-section",
                        "#stalls-section",
                        "#deadlocks-section",
                        "interval",
                        "pause",
                        "theme",
                        "heat",
                        "fiber-name",
                        "fiber-state",
                        "fiber-group",
                        "fiber-auto",
                        "submit");
        try (var contention = new Contention(application.runtime, "keys")) {
            type("waiter-for-keys");
            eventually(() -> assertThat(text("fibers")).contains("waiter-for-keys"));
            assertThat(focusedAfterTabs(5))
                    .containsExactly(
                            "fiber-state", "fiber-group", "fiber-auto", "submit", "SUMMARY");
            browser.switchTo().activeElement().sendKeys(Keys.ENTER);
            eventually(() -> assertThat(text("fibers")).contains("held by holder-of-keys"));

            // the newest column is not the first
            eventually(
                    () ->
                            assertThat((Long) browser.executeScript("return heat.columns.length"))
                                    .isGreaterThan(1));
            WebElement heat = browser.findElement(By.id("heat"));
            String newest = text("latency-readout");
            heat.sendKeys(Keys.HOME);
            assertThat(text("latency-readout")).isNotEqualTo(newest);
        }
        assertThat(
                        browser.executeScript(
                                "return [...document.querySelectorAll('input,select,button')]"
                                        + ".filter(e => !(e.labels && e.labels.length)"
                                        + " && !e.textContent.trim()).map(e => e.outerHTML)"))
                .as("controls without a label")
                .isEqualTo(List.of());
    }

    @Test
    void isDarkOrLightAsTheSystemOrTheUserWants() {
        prefer("light");
        String light = background();
        prefer("dark");
        String dark = background();
        assertThat(dark).isNotEqualTo(light);
        WebElement theme = browser.findElement(By.id("theme"));
        theme.click();
        assertThat(theme.getText()).isEqualTo("Theme: light");
        assertThat(background()).isEqualTo(light);
        browser.navigate().refresh();
        assertThat(background()).as("after loading again").isEqualTo(light);
        browser.findElement(By.id("theme")).click();
        assertThat(background()).isEqualTo(dark);
        prefer("light");
        assertThat(background()).isEqualTo(dark);
    }

    @Test
    void stopsAskingWhilePaused() throws Exception {
        eventually(() -> assertThat(text("status")).isEqualTo("live"));
        browser.findElement(By.id("pause")).click();
        assertThat(text("status")).isEqualTo("paused");
        // what was asked before is over
        eventually(() -> assertThat(browser.executeScript("return busy")).isEqualTo(false));
        String before = text("f-live-note");
        application.runtime.spawn(() -> 1).join();
        Thread.sleep(2500);
        assertThat(text("f-live-note")).isEqualTo(before);
        browser.findElement(By.id("pause")).click();
        eventually(() -> assertThat(text("f-live-note")).isNotEqualTo(before));
    }

    @Test
    void worksOnAPortOfItsOwn() {
        try (var other =
                RunningApplication.open(
                        "management.server.port=0",
                        "management.endpoints.web.base-path=/",
                        "management.endpoints.web.path-mapping.avxconsole=tools/console",
                        "management.endpoints.web.exposure.include=avx,avxconsole")) {
            String port = other.context.getEnvironment().getProperty("local.management.port");
            browser.get("http://localhost:" + port + "/tools/console");
            eventually(
                    () -> {
                        assertThat(text("status")).isEqualTo("live");
                        assertThat(text("executors")).contains("mail");
                    });
        }
    }

    @Test
    void saysSoWhenTheEndpointIsNotExposedOrTheApplicationIsGone() {
        try (var other =
                RunningApplication.open("management.endpoints.web.exposure.include=avxconsole")) {
            open(other, "/actuator/avxconsole");
            eventually(
                    () ->
                            assertThat(text("problem"))
                                    .contains(
                                            "The endpoint avx is not exposed",
                                            "Add avx to management.endpoints.web.exposure.include"));
        }
        eventually(() -> assertThat(text("problem")).contains("The application does not answer"));
        assertThat(text("status")).isEqualTo("no answer");
    }

    @Test
    void worksBehindSpringSecurity() {
        try (var secured =
                RunningApplication.secured(
                        Security.class,
                        "management.endpoints.web.exposure.include=avx,avxconsole")) {
            open(secured, "/actuator/avxconsole");
            signIn("guest");
            eventually(() -> assertThat(text("problem")).contains("You may not see this runtime"));

            browser.manage().deleteAllCookies();
            open(secured, "/actuator/avxconsole");
            signIn("ops");
            eventually(() -> assertThat(text("status")).isEqualTo("live"));
            assertThat(browser.findElement(By.id("problem")).isDisplayed()).isFalse();

            browser.manage().deleteAllCookies();
            eventually(() -> assertThat(text("problem")).contains("You are not signed in"));
            // what the browser says of the answers 401 and 403 is no fault of the page
            List<LogEntry> unused = browser.manage().logs().get(LogType.BROWSER).getAll();
        }
    }

    private static void signIn(String user) {
        eventually(() -> assertThat(all("input[name=username]")).hasSize(1));
        browser.findElement(By.name("username")).sendKeys(user);
        browser.findElement(By.name("password")).sendKeys("secret", Keys.ENTER);
        eventually(() -> assertThat(all("#problem")).hasSize(1));
    }

    // --- helpers ---

    private static void eventually(ThrowingCallable assertion) {
        await().atMost(PATIENCE).ignoreExceptions().untilAsserted(assertion::call);
    }

    private static String text(String id) {
        return browser.findElement(By.id(id)).getText();
    }

    private static String value(String id) {
        return String.valueOf(browser.findElement(By.id(id)).getDomProperty("value"));
    }

    private static List<WebElement> all(String selector) {
        return browser.findElements(By.cssSelector(selector));
    }

    private static void type(String name) {
        WebElement field = browser.findElement(By.id("fiber-name"));
        field.clear();
        field.sendKeys(name);
    }

    private static List<String> focusedAfterTabs(int count) {
        List<String> order = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            browser.switchTo().activeElement().sendKeys(Keys.TAB);
            order.add(
                    String.valueOf(
                            browser.executeScript(
                                    "const a = document.activeElement;"
                                            + "return a.id || a.getAttribute('href') || a.type"
                                            + " || a.tagName")));
        }
        return order;
    }

    private static void choose(String state) {
        all("#fiber-state option").stream()
                .filter(option -> option.getText().equals(state))
                .findFirst()
                .orElseThrow()
                .click();
    }

    private static String pixels() {
        return String.valueOf(
                browser.executeScript("return document.getElementById('heat').toDataURL()"));
    }

    private static String background() {
        return String.valueOf(
                browser.executeScript("return getComputedStyle(document.body).backgroundColor"));
    }

    private static void prefer(String scheme) {
        Map<String, Object> unused =
                browser.executeCdpCommand(
                        "Emulation.setEmulatedMedia",
                        Map.of(
                                "features",
                                List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    private static List<String> complaints() {
        return browser.manage().logs().get(LogType.BROWSER).getAll().stream()
                .filter(e -> e.getLevel().intValue() >= Level.WARNING.intValue())
                .map(LogEntry::getMessage)
                .filter(message -> message.contains("/shop/"))
                .toList();
    }

    private static ChromeDriver startBrowser() {
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

    @Configuration(proxyBeanMethods = false)
    static class Security {
        @Bean
        UserDetailsService users() {
            return new InMemoryUserDetailsManager(
                    User.withUsername("ops").password("{noop}secret").roles("OPS").build(),
                    User.withUsername("guest").password("{noop}secret").roles("GUEST").build());
        }

        @Bean
        SecurityFilterChain chain(HttpSecurity http) throws Exception {
            return http.authorizeHttpRequests(
                            requests ->
                                    requests.requestMatchers(EndpointRequest.to("avx"))
                                            .hasRole("OPS")
                                            .anyRequest()
                                            .authenticated())
                    .formLogin(Customizer.withDefaults())
                    .httpBasic(Customizer.withDefaults())
                    .build();
        }
    }
}
