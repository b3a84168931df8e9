package cloud.avila.avx.benchmarks.spring;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.jdbc.autoconfigure.DataSourceProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.io.IOException;

/** One table, in H2 inside of the process, or in a PostgreSQL beside it. */
@Configuration(proxyBeanMethods = false)
class Databases {
    static final int ROWS = 10_000;

    /** A server of its own, from the embedded binaries. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty(name = "benchmark.database", havingValue = "postgres")
    static class Postgres {
        @Bean(destroyMethod = "close")
        EmbeddedPostgres postgres() throws IOException {
            return EmbeddedPostgres.start();
        }

        @Bean
        @Primary
        DataSourceProperties postgresProperties(EmbeddedPostgres postgres) {
            var properties = new DataSourceProperties();
            properties.setUrl(postgres.getJdbcUrl("postgres", "postgres"));
            return properties;
        }
    }

    @Bean
    ApplicationRunner table(JdbcClient database) {
        return arguments -> {
            database.sql("create table greeting (id bigint primary key, message varchar(100))")
                    .update();
            String insert = "insert into greeting values ";
            for (int first = 1; first <= ROWS; first += 100) {
                var rows = new StringBuilder();
                for (int id = first; id < first + 100; id++) {
                    rows.append(rows.isEmpty() ? "" : ", ")
                            .append("(%d, 'hello %d')".formatted(id, id));
                }
                database.sql(insert + rows).update();
            }
        };
    }
}
