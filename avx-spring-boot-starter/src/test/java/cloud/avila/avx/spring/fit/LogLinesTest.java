package cloud.avila.avx.spring.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What a runtime writes to the log of an application, from its start to its end. */
@ExtendWith(OutputCaptureExtension.class)
class LogLinesTest {

    @Test
    void oneLineAtTheStartAndOneAtTheEnd(CapturedOutput output) throws Exception {
        ConfigurableApplicationContext context =
                Application.application()
                        .run(
                                "--avx.name=lines",
                                "--avx.worker-threads=3",
                                "--avx.shutdown-timeout=300ms");
        assertThat(output.getOut().lines().filter(line -> line.contains("'lines'")))
                .singleElement()
                .asString()
                .contains("INFO")
                .matches(
                        ".*AVX Runtime.* 'lines' started in \\d+ ms: 3 workers, driver \\w+ \\(not"
                                + " opened yet\\), fibers on workers, Java "
                                + System.getProperty("java.vm.version").replace("+", "\\+"));
        // what the application waits for as it starts ends a little before its task
        AvxRuntime runtime = context.getBean(AvxRuntime.class);
        await().until(() -> runtime.metrics().live() == 0);
        CountDownLatch never = new CountDownLatch(1);
        Handle handle = context.getBean(Handle.class);
        handle.spawn(() -> never.await(1, TimeUnit.HOURS)).detach();
        context.close();
        assertThat(output.getOut().lines().filter(line -> line.contains("'lines'")).skip(1))
                .singleElement()
                .asString()
                .matches(".*'lines' stopped in \\d+ ms: 0 tasks drained, 1 cancelled");
    }

    @Test
    void aTaskThatStopsItsApplicationIsWaitedFor(CapturedOutput output) throws Exception {
        ConfigurableApplicationContext context = Application.application().run("--avx.name=self");
        context.getBean(Handle.class)
                .spawn(
                        () -> {
                            context.close();
                            return 0;
                        })
                .join();
        assertThat(output)
                .contains("AVX Runtime 'self' stops as soon as the task that stopped it ends");
    }

    @Test
    void stallsAreReportedAFewAtATime(CapturedOutput output) throws Exception {
        try (ConfigurableApplicationContext context =
                Application.application()
                        .run("--avx.name=stalling", "--avx.watchdog.stall-threshold=10ms")) {
            Handle handle = context.getBean(Handle.class);
            for (int i = 0; i < 20; i++) {
                handle.spawn(LogLinesTest::compute).join();
            }
        }
        long reports =
                output.getOut()
                        .lines()
                        .filter(line -> line.contains("of runtime \"stalling\" has been busy"))
                        .count();
        assertThat(reports).as(output.getOut()).isBetween(1L, 13L);
    }

    private static long compute() {
        long end = System.nanoTime() + 50_000_000;
        long turns = 0;
        while (System.nanoTime() < end) {
            turns++;
        }
        return turns;
    }
}
