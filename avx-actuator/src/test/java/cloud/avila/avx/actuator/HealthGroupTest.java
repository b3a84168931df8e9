package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;

/** Health as the documentation has Kubernetes ask for it. */
@Timeout(120)
class HealthGroupTest {
    @Test
    void aDeadlockEndsLivenessAndReadinessIfThatIsWanted() throws Exception {
        try (var application =
                RunningApplication.open(
                        "avx.health.deadlock-status=down",
                        "avx.health.deadlock-interval=0",
                        "avx.health.saturation-status=out-of-service",
                        "management.endpoint.health.group.liveness.include=livenessState,avx",
                        "management.endpoint.health.group.liveness.status.http-mapping.down=503",
                        "management.endpoint.health.group.liveness.status.http-mapping.out-of-service=200",
                        "management.endpoint.health.group.readiness.include=readinessState,avx")) {
            assertThat(status(application, "/liveness")).isEqualTo(200);
            assertThat(status(application, "/readiness")).isEqualTo(200);
            try (var circle = new RunningApplication.Circle(application.runtime)) {
                await().atMost(Duration.ofSeconds(60))
                        .untilAsserted(
                                () -> {
                                    assertThat(status(application, "/liveness")).isEqualTo(503);
                                    assertThat(status(application, "/readiness")).isEqualTo(503);
                                });
            }
        }
    }

    @Test
    void aDeadlockEndsNothingByDefault() throws Exception {
        try (var application =
                RunningApplication.open(
                        "avx.health.deadlock-interval=0",
                        "management.endpoint.health.show-details=always",
                        "management.endpoint.health.group.liveness.include=livenessState,avx")) {
            try (var circle = new RunningApplication.Circle(application.runtime)) {
                await().atMost(Duration.ofSeconds(60))
                        .untilAsserted(
                                () ->
                                        assertThat(application.get("/actuator/health/avx").body())
                                                .contains("UNKNOWN", "for ever", "transfer-1"));
                assertThat(status(application, "")).isEqualTo(200);
                assertThat(status(application, "/avx")).isEqualTo(200);
                assertThat(status(application, "/liveness")).isEqualTo(200);
            }
        }
    }

    private static int status(RunningApplication application, String path) throws Exception {
        return application.get("/actuator/health" + path).statusCode();
    }
}
