package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.net.UdpSocket;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What a JVM without flags costs, what a runtime refuses at its start, what it tells at its end.
 */
class RuntimeStartTest {
    private record Ended(int status, List<String> lines) {
        long count(String text) {
            return lines.stream().filter(line -> line.contains(text)).count();
        }
    }

    private static Ended run(Class<?> main, String... flags) throws Exception {
        var command = new ArrayList<String>();
        command.add(ProcessHandle.current().info().command().orElseThrow());
        command.addAll(List.of(flags));
        command.addAll(List.of("-Xmx64m", "-cp", System.getProperty("java.class.path")));
        command.add(main.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), output);
        return new Ended(process.exitValue(), output.lines().toList());
    }

    static final class TwoRuntimes {
        public static void main(String[] args) throws Exception {
            for (int i = 0; i < 2; i++) {
                try (AvxRuntime rt = AvxRuntime.create()) {
                    rt.blockOn(
                            () -> {
                                UdpSocket.bind(new InetSocketAddress("127.0.0.1", 0)).close();
                                return 0;
                            });
                    System.out.println("fibers " + rt.metrics().fibers());
                }
            }
        }
    }

    static final class OpenedOnly {
        public static void main(String[] args) {
            AvxRuntime.create(
                            RuntimeConfig.builder()
                                    .name("strict")
                                    .fiberAccess(FiberAccess.OPENED_ONLY)
                                    .build())
                    .close();
        }
    }

    static final class NamedDriver {
        public static void main(String[] args) {
            AvxRuntime.create(RuntimeConfig.builder().reactorDriver(ReactorDriver.EPOLL).build())
                    .close();
        }
    }

    @Test
    void eachMissingFlagCostsOneLine() throws Exception {
        Ended ended = run(TwoRuntimes.class);
        assertEquals(0, ended.status, ended.lines::toString);
        assertEquals(2, ended.count("fibers workers-unsafe"), ended.lines::toString);
        assertEquals(1, ended.count("INFO: runtime \"avx\": java.lang is not open"));
        assertEquals(1, ended.count("INFO: native access is not enabled for AVX"));
        Ended silent =
                run(
                        TwoRuntimes.class,
                        "--enable-native-access=ALL-UNNAMED",
                        "--add-opens=java.base/java.lang=ALL-UNNAMED");
        assertEquals(2, silent.count("fibers workers-opened"), silent.lines::toString);
        assertEquals(0, silent.count("INFO:"), silent.lines::toString);
        assertEquals(0, silent.count("WARNING: A restricted"), silent.lines::toString);
    }

    @Test
    void openedOnlyDoesNotStartWhereNothingIsOpen() throws Exception {
        Ended ended = run(OpenedOnly.class);
        assertEquals(1, ended.status, ended.lines::toString);
        assertEquals(1, ended.count("IllegalStateException: runtime \"strict\" is to run fibers"));
        assertEquals(1, ended.count("start the JVM with --add-opens=java.base/java.lang"));
        assertEquals(0, ended.count("terminally deprecated"), "Unsafe was used");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aNamedDriverNeedsNativeAccessAtTheStart() throws Exception {
        Ended ended = run(NamedDriver.class, "--illegal-native-access=deny");
        assertEquals(1, ended.status, ended.lines::toString);
        assertEquals(1, ended.count("start java with --enable-native-access=ALL-UNNAMED"));
        assertEquals(1, ended.count("Caused by: java.lang.IllegalCallerException"));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aDriverOfAnotherSystemIsRefusedAtTheStartAndLeavesNothing() {
        for (ReactorDriver driver : List.of(ReactorDriver.KQUEUE, ReactorDriver.IOCP)) {
            var config = RuntimeConfig.builder().name("elsewhere").reactorDriver(driver).build();
            var e =
                    assertThrows(
                            UnsupportedOperationException.class, () -> AvxRuntime.create(config));
            assertTrue(String.valueOf(e.getMessage()).contains("Linux"), e::toString);
        }
        assertFalse(
                Thread.getAllStackTraces().keySet().stream()
                        .anyMatch(thread -> thread.getName().startsWith("elsewhere-")));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aNamedDriverIsOpenAtTheStartAndTheBestOneWithTheFirstSocket() {
        try (AvxRuntime named =
                        AvxRuntime.create(
                                RuntimeConfig.builder()
                                        .reactorDriver(ReactorDriver.EPOLL)
                                        .build());
                AvxRuntime best = AvxRuntime.create()) {
            assertEquals("epoll", named.metrics().driver());
            assertEquals("epoll (not opened yet)", best.metrics().driver());
        }
    }

    @Test
    void tellsWhatHappenedToItsTasksWhenItWasClosed() throws Exception {
        AvxRuntime rt =
                AvxRuntime.create(
                        RuntimeConfig.builder().shutdownTimeout(Duration.ofSeconds(3)).build());
        rt.blockOn(() -> "ended before");
        while (rt.metrics().completed() == 0) { // counted a moment after its result is there
            Thread.sleep(1);
        }
        CountDownLatch never = new CountDownLatch(1);
        rt.spawn("patient", () -> never.await(1, TimeUnit.HOURS)).detach();
        CountDownLatch open = new CountDownLatch(1);
        for (int i = 0; i < 5; i++) {
            rt.spawn(() -> open.await(1, TimeUnit.HOURS)).detach();
        }
        assertNull(rt.shutdownSummary());
        Thread closer = Thread.ofPlatform().start(rt::close);
        while (closer.getState() != Thread.State.TIMED_WAITING) { // for the tasks
            Thread.sleep(1);
        }
        open.countDown();
        closer.join();
        var summary = rt.shutdownSummary();
        assertNotNull(summary);
        assertEquals(5, summary.drained());
        assertEquals(1, summary.cancelled());
        assertEquals(0, summary.unfinished());
        assertTrue(summary.duration().toMillis() >= 3000, summary::toString);
    }
}
