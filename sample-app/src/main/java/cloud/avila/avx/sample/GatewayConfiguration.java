package cloud.avila.avx.sample;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.sample.config.GatewayProperties;
import cloud.avila.avx.sample.graphite.GraphiteListener;
import cloud.avila.avx.sample.ingest.IngestQueue;
import cloud.avila.avx.sample.ingest.IngestStats;
import cloud.avila.avx.sample.ingest.Intake;
import cloud.avila.avx.sample.ingest.SeriesLimit;
import cloud.avila.avx.sample.journal.SegmentFile;
import cloud.avila.avx.sample.live.LiveFeed;
import cloud.avila.avx.sample.statsd.StatsdListener;
import cloud.avila.avx.sample.store.SeriesDirectory;

import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Clock;

/** Puts the parts that know nothing of Spring together. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(GatewayProperties.class)
class GatewayConfiguration {
    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    /** The embedded database, unless the configuration names another. */
    @Bean
    @ConditionalOnProperty(name = "spring.datasource.url", matchIfMissing = true, havingValue = "")
    JdbcConnectionDetails embeddedDatabase(GatewayProperties properties) {
        // the gateway closes the database itself, after the last lines are stored
        String url =
                "jdbc:h2:file:"
                        + properties.dataDir().toAbsolutePath().normalize().resolve("gateway")
                        + ";DB_CLOSE_ON_EXIT=FALSE";
        return new JdbcConnectionDetails() {
            @Override
            public String getJdbcUrl() {
                return url;
            }

            @Override
            public String getUsername() {
                return "sa";
            }

            @Override
            public String getPassword() {
                return "";
            }
        };
    }

    @Bean
    SegmentFile.Factory segmentFiles() {
        return SegmentFile.onDisk();
    }

    @Bean
    IngestQueue ingestQueue(GatewayProperties properties) {
        return new IngestQueue(properties.ingest().queueCapacity());
    }

    @Bean
    IngestStats ingestStats() {
        return new IngestStats();
    }

    @Bean
    SeriesLimit seriesLimit(GatewayProperties properties) {
        return new SeriesLimit(properties.ingest().maxSeries());
    }

    @Bean
    Intake intake(IngestQueue queue, IngestStats stats, SeriesLimit limit) {
        return new Intake(queue, stats, limit);
    }

    @Bean
    SeriesDirectory seriesDirectory() {
        return new SeriesDirectory();
    }

    @Bean
    LiveFeed liveFeed(GatewayProperties properties) {
        return new LiveFeed(properties.stream().buffer(), properties.stream().maxClients());
    }

    @Bean
    StatsdListener statsdListener(AvxRuntime runtime, GatewayProperties properties, Intake intake)
            throws IOException {
        GatewayProperties.Statsd settings = properties.statsd();
        return new StatsdListener(
                runtime,
                new InetSocketAddress(settings.address(), settings.port()),
                Math.toIntExact(settings.receiveBuffer().toBytes()),
                intake);
    }

    @Bean
    GraphiteListener graphiteListener(
            AvxRuntime runtime, GatewayProperties properties, Intake intake, Clock clock)
            throws IOException {
        return new GraphiteListener(runtime, properties.graphite(), intake, clock);
    }
}
