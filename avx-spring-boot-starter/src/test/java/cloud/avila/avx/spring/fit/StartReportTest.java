package cloud.avila.avx.spring.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;

import cloud.avila.avx.spring.fit.ChildJvm.Ended;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import java.net.InetAddress;
import java.net.ServerSocket;

/** What someone reads whose JVM, system or port is not what the settings need. */
@ExtendWith(OutputCaptureExtension.class)
class StartReportTest {
    private static final String DENY = "--illegal-native-access=deny";
    private static final String QUIET = "--spring.main.banner-mode=off";

    @Test
    void nothingIsRequiredWithoutSockets() throws Exception {
        Ended ended = new ChildJvm(DENY).run(Application.class, QUIET).assertSucceeded();
        assertThat(ended.output()).contains("ran on avx");
        assertThat(ended.lines("java.lang is not open")).isOne();
        assertThat(ended.lines("native access")).isZero();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aNamedDriverNeedsNativeAccess() throws Exception {
        Ended ended =
                new ChildJvm(DENY, ChildJvm.OPENS)
                        .run(Application.class, QUIET, "--avx.reactor.driver=epoll");
        assertThat(ended.status()).isOne();
        assertThat(ended.output())
                .contains("APPLICATION FAILED TO START")
                .contains("avx.reactor.driver=epoll has the AVX runtime 'avx' make native calls")
                .contains("Illegal native access from")
                .contains("start the JVM with --enable-native-access=ALL-UNNAMED")
                .contains("Enable-Native-Access: ALL-UNNAMED in the manifest")
                .doesNotContain("\tat cloud.avila");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aSocketOfABeanNeedsNativeAccess() throws Exception {
        Ended ended =
                new ChildJvm(DENY, ChildJvm.OPENS).run(Application.class, QUIET, "--socket=true");
        assertThat(ended.status()).isOne();
        assertThat(ended.output())
                .contains("APPLICATION FAILED TO START")
                .contains("A socket of AVX needs native calls")
                .contains("Illegal native access from")
                .contains("start the JVM with --enable-native-access=ALL-UNNAMED");
    }

    @Test
    void openedOnlyNeedsAnOpenJdk() throws Exception {
        Ended ended =
                new ChildJvm().run(Application.class, QUIET, "--avx.fibers.access=opened-only");
        assertThat(ended.status()).isOne();
        assertThat(ended.output())
                .contains("APPLICATION FAILED TO START")
                .contains("avx.fibers.access=opened-only lets the AVX runtime 'avx'")
                .contains("start the JVM with --add-opens=java.base/java.lang=ALL-UNNAMED")
                .contains("Add-Opens: java.base/java.lang in the manifest")
                .doesNotContain("terminally deprecated")
                .doesNotContain("\tat cloud.avila");
    }

    @Test
    void eachMissingFlagCostsOneLine() throws Exception {
        Ended without =
                new ChildJvm().run(Application.class, QUIET, "--socket=true").assertSucceeded();
        assertThat(without.lines("INFO")).as(without.output()).isPositive();
        assertThat(without.lines("java.lang is not open, fibers reach their workers")).isOne();
        assertThat(without.lines("native access is not enabled for AVX")).isOne();
        assertThat(without.output()).contains("fibers on workers (through sun.misc.Unsafe)");
        Ended with =
                new ChildJvm(ChildJvm.NATIVE, ChildJvm.OPENS)
                        .run(Application.class, QUIET, "--socket=true")
                        .assertSucceeded();
        assertThat(with.lines("WARNING")).as(with.output()).isZero();
        assertThat(with.lines("java.lang is not open")).isZero();
        assertThat(with.lines("native access")).isZero();
        assertThat(with.lines("AVX Runtime")).isEqualTo(2);
        assertThat(with.output()).contains("fibers on workers, Java ");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aDriverOfAnotherSystem(CapturedOutput output) {
        assertThatException()
                .isThrownBy(() -> Application.application().run("--avx.reactor.driver=kqueue"));
        assertThat(output)
                .contains("APPLICATION FAILED TO START")
                .contains("avx.reactor.driver=kqueue asks the AVX runtime 'avx' for a driver that")
                .contains("kqueue needs macOS")
                .contains("Remove avx.reactor.driver, or set it to auto");
    }

    @Test
    void bootsOwnReportOfAPortInUse(CapturedOutput output) throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("0.0.0.0"))) {
            SpringApplication application = new SpringApplication(Application.class);
            assertThatException()
                    .isThrownBy(
                            () ->
                                    application.run(
                                            "--avx.name=port-in-use",
                                            "--server.port=" + taken.getLocalPort()));
            assertThat(output)
                    .contains("APPLICATION FAILED TO START")
                    .contains("Port " + taken.getLocalPort() + " was already in use")
                    .contains("AVX Runtime 'port-in-use' stopped");
        }
        assertThat(Leftovers.threadsOf("port-in-use")).isEmpty();
    }
}
