package cloud.avila.avx.sample;

import org.junit.jupiter.api.BeforeEach;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** One gateway in this JVM, shared by all test classes that extend this one. */
@SpringBootTest(
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "gateway.statsd.port=0",
            "gateway.graphite.port=0",
            "gateway.graphite.max-connections=2100",
            "gateway.graphite.idle-timeout=30s",
            "gateway.graphite.line-timeout=1s",
            "gateway.ingest.queue-capacity=2048",
            "gateway.flush.interval=200ms",
            "gateway.query.max-points=100"
        })
@Import(RunningGateway.Disk.class)
abstract class RunningGateway {
    @LocalServerPort int httpPort;
    @Autowired TestDisk disk;
    GatewayClient gateway;

    @DynamicPropertySource
    static void dataDir(DynamicPropertyRegistry registry) {
        registry.add("gateway.data-dir", Directories::shared);
    }

    @BeforeEach
    void connect() {
        gateway = new GatewayClient(httpPort);
    }

    @TestConfiguration(proxyBeanMethods = false)
    static class Disk {
        @Bean
        @Primary
        TestDisk testDisk() {
            return new TestDisk();
        }
    }
}
