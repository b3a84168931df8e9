package cloud.avila.avx.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.FiberAccess;
import cloud.avila.avx.FiberReuse;
import cloud.avila.avx.Handle;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;

import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;

class AvxAutoConfigurationTest {
    private final ApplicationContextRunner runner =
            new ApplicationContextRunner()
                    .withConfiguration(
                            AutoConfigurations.of(
                                    AvxAutoConfiguration.class,
                                    AvxTaskExecutionAutoConfiguration.class));

    @Test
    void hasTheDefaultsOfTheRuntime() {
        runner.run(
                context ->
                        assertThat(context.getBean(AvxRuntime.class).config())
                                .isEqualTo(RuntimeConfig.defaults()));
    }

    @Test
    void appliesEveryProperty() {
        runner.withPropertyValues(
                        "avx.name=orders",
                        "avx.worker-threads=3",
                        "avx.worker-stack-size=512KB",
                        "avx.thread-name-prefix=w-",
                        "avx.local-queue-capacity=128",
                        "avx.injection-queue-capacity=1000",
                        "avx.shutdown-timeout=7s",
                        "avx.fibers.access=opened-only",
                        "avx.fibers.reuse=until-parked",
                        "avx.worker-affinity=true",
                        "avx.watchdog.take-over=false",
                        "avx.reactor.driver=epoll",
                        "avx.reactor.group-size=2",
                        "avx.blocking.max-threads=5",
                        "avx.blocking.keep-alive=3s",
                        "avx.blocking.queue-capacity=50",
                        "avx.watchdog.stall-threshold=250ms")
                .run(
                        context ->
                                assertThat(context.getBean(AvxRuntime.class).config())
                                        .isEqualTo(
                                                RuntimeConfig.builder()
                                                        .name("orders")
                                                        .workerThreads(3)
                                                        .workerStackSize(512 << 10)
                                                        .workerAffinity(true)
                                                        .threadNamePrefix("w-")
                                                        .localQueueCapacity(128)
                                                        .injectionQueueCapacity(1000)
                                                        .fiberAccess(FiberAccess.OPENED_ONLY)
                                                        .fiberReuse(FiberReuse.UNTIL_PARKED)
                                                        .reactorDriver(ReactorDriver.EPOLL)
                                                        .reactorGroupSize(2)
                                                        .maxBlockingThreads(5)
                                                        .blockingKeepAlive(Duration.ofSeconds(3))
                                                        .blockingQueueCapacity(50)
                                                        .stallThreshold(Duration.ofMillis(250))
                                                        .takeOver(false)
                                                        .shutdownTimeout(Duration.ofSeconds(7))
                                                        .build()));
    }

    @Test
    void appliesCustomizersInOrder() {
        runner.withPropertyValues("avx.worker-threads=3")
                .withUserConfiguration(Customizers.class)
                .run(
                        context -> {
                            RuntimeConfig config = context.getBean(AvxRuntime.class).config();
                            assertThat(config.name()).isEqualTo("second");
                            assertThat(config.workerThreads()).isEqualTo(3);
                        });
    }

    @Test
    void usesTheRuntimeOfTheApplication() {
        AvxRuntime own = AvxRuntime.create(RuntimeConfig.builder().name("own").build());
        runner.withBean("own", AvxRuntime.class, () -> own)
                .run(
                        context -> {
                            assertThat(context).hasSingleBean(AvxRuntime.class);
                            assertThat(context.getBean(Handle.class)).isSameAs(own.handle());
                            assertThat(context).hasSingleBean(AvxTaskExecutor.class);
                        });
        assertThatExceptionOfType(RejectedExecutionException.class)
                .as("closed with the context")
                .isThrownBy(() -> own.spawn(() -> 1));
    }

    @Test
    void leavesTheChoiceToTheApplicationThatHasTwoRuntimes() {
        runner.withBean("a", AvxRuntime.class, AvxRuntime::create)
                .withBean("b", AvxRuntime.class, AvxRuntime::create)
                .run(
                        context ->
                                assertThat(context)
                                        .hasNotFailed()
                                        .doesNotHaveBean(Handle.class)
                                        .doesNotHaveBean(AvxTaskExecutor.class));
    }

    @Test
    void isClosedAfterTheBeansThatUseIt() {
        CompletableFuture<String> lastWord = new CompletableFuture<>();
        AvxRuntime[] runtime = new AvxRuntime[1];
        runner.withBean(CompletableFuture.class, () -> lastWord)
                .withUserConfiguration(UserOfHandle.class)
                .run(context -> runtime[0] = context.getBean(AvxRuntime.class));
        assertThat(lastWord).isCompletedWithValue("spoken");
        assertThatExceptionOfType(RejectedExecutionException.class)
                .isThrownBy(() -> runtime[0].spawn(() -> 1));
    }

    @Test
    void worksInSeveralContextsAtOnceAndOneAfterTheOther() {
        runner.withPropertyValues("avx.name=one")
                .run(
                        one -> {
                            AvxRuntime first = one.getBean(AvxRuntime.class);
                            runner.withPropertyValues("avx.name=two")
                                    .run(
                                            two -> {
                                                AvxRuntime second = two.getBean(AvxRuntime.class);
                                                assertThat(second).isNotSameAs(first);
                                                assertThat(runtimeName(second)).isEqualTo("two");
                                            });
                            assertThat(runtimeName(first)).isEqualTo("one");
                        });
        assertThat(threadsOf("one")).isEmpty();
        assertThat(threadsOf("two")).isEmpty();
        runner.withPropertyValues("avx.name=one")
                .run(
                        again -> {
                            assertThat(runtimeName(again.getBean(AvxRuntime.class)))
                                    .isEqualTo("one");
                            assertThat(threadsOf("one")).isNotEmpty();
                        });
        assertThat(threadsOf("one")).isEmpty();
    }

    @Test
    void givesTasksTheClassLoaderOfTheirContext() throws Exception {
        try (URLClassLoader restarted =
                new URLClassLoader(new URL[0], getClass().getClassLoader())) {
            runner.withClassLoader(restarted)
                    .run(
                            context -> {
                                AvxTaskExecutor executor = context.getBean(AvxTaskExecutor.class);
                                ClassLoader seen =
                                        executor.submit(
                                                        () ->
                                                                Objects.requireNonNull(
                                                                        Thread.currentThread()
                                                                                .getContextClassLoader()))
                                                .get();
                                assertThat(seen).isSameAs(restarted);
                            });
        }
    }

    private static List<String> threadsOf(String runtime) {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith(runtime + "-"))
                .toList();
    }

    private static String runtimeName(AvxRuntime runtime) throws InterruptedException {
        return runtime.spawn(() -> Handle.current().runtimeName()).join();
    }

    @Configuration(proxyBeanMethods = false)
    static class Customizers {
        @Bean
        @Order(2)
        AvxRuntimeCustomizer second() {
            return builder -> builder.name("second");
        }

        @Bean
        @Order(1)
        AvxRuntimeCustomizer first() {
            return builder -> builder.name("first");
        }
    }

    @Configuration(proxyBeanMethods = false)
    @Import(UserOfHandle.Speaker.class)
    static class UserOfHandle {
        static class Speaker implements DisposableBean {
            private final Handle handle;
            private final CompletableFuture<String> lastWord;

            Speaker(Handle handle, CompletableFuture<String> lastWord) {
                this.handle = handle;
                this.lastWord = lastWord;
            }

            @Override
            public void destroy() throws InterruptedException {
                lastWord.complete(handle.spawn(() -> "spoken").join());
            }
        }
    }
}
