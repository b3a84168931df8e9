package cloud.avila.avx.sample.monitor;

import cloud.avila.avx.sample.config.GatewayProperties;
import cloud.avila.avx.sample.statsd.StatsdListener;

import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.statsd.StatsdConfig;
import io.micrometer.statsd.StatsdFlavor;
import io.micrometer.statsd.StatsdMeterRegistry;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.time.Duration;
import java.util.List;

/**
 * Sends the application's own metrics, as any other application would, in DogStatsD's format to the
 * gateway's UDP port. Only meters whose number is bounded are sent.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBooleanProperty(name = "gateway.self-monitoring.enabled", matchIfMissing = true)
class SelfMonitoringConfiguration {
    private static final List<String> SENT =
            List.of("jvm.", "process.", "system.", "avx.", "gateway.");

    @Bean
    StatsdMeterRegistry selfMonitoringRegistry(
            GatewayProperties properties, StatsdListener listener, Clock clock) {
        int port = listener.address().getPort();
        Duration interval = properties.selfMonitoring().interval();
        var registry =
                new StatsdMeterRegistry(
                        new StatsdConfig() {
                            @Override
                            public @Nullable String get(String key) {
                                return null;
                            }

                            @Override
                            public StatsdFlavor flavor() {
                                return StatsdFlavor.DATADOG;
                            }

                            @Override
                            public String host() {
                                return "localhost";
                            }

                            @Override
                            public int port() {
                                return port;
                            }

                            @Override
                            public Duration pollingFrequency() {
                                return interval;
                            }

                            @Override
                            public Duration step() {
                                return interval;
                            }
                        },
                        clock);
        // StatsD takes a signed gauge for a change, and an unlimited pool's maximum is -1
        registry.config()
                .meterFilter(MeterFilter.deny(id -> id.getName().equals("jvm.memory.max")))
                .meterFilter(
                        MeterFilter.denyUnless(
                                id -> SENT.stream().anyMatch(id.getName()::startsWith)));
        return registry;
    }
}
