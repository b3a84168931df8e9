package cloud.avila.avx.spring.example;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.scheduling.AvxTaskSchedulingAutoConfiguration;
import cloud.avila.avx.spring.task.AvxNamedExecutorAutoConfiguration;

import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.scheduling.annotation.EnableScheduling;

import java.util.concurrent.TimeUnit;

class MailRoomTest {
    @Test
    void works() {
        new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(
                                AvxAutoConfiguration.class,
                                AvxNamedExecutorAutoConfiguration.class,
                                AvxTaskSchedulingAutoConfiguration.class))
                .withUserConfiguration(App.class)
                .withPropertyValues(
                        "avx.worker-threads=2", "avx.executors.mails.concurrency-limit=8")
                .run(
                        context ->
                                assertThat(
                                                context.getBean(MailRoom.class)
                                                        .send("ann")
                                                        .get(60, TimeUnit.SECONDS))
                                        .isEqualTo("sent to ann"));
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAsync(proxyTargetClass = true)
    @EnableScheduling
    @Import(MailRoom.class)
    static class App {}
}
