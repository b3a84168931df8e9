package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.FiberAccess;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.Priority;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.time.Sleep;

import jdk.jfr.Configuration;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

class FlightEventsTest {
    private static final String TASK = "cloud.avila.avx.Task";
    private static final String PARK = "cloud.avila.avx.Park";
    private static final String FALLBACK = "cloud.avila.avx.DriverFallback";

    @TempDir Path folder;

    private static AvxRuntime runtime(FiberAccess access) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("recorded")
                        .workerThreads(2)
                        .fiberAccess(access)
                        .stallThreshold(Duration.ofMillis(30))
                        .build());
    }

    private static AvxRuntime runtime() {
        return runtime(FiberAccess.AUTO);
    }

    /** The events of a kind as soon as there are so many, for some are written in passing. */
    private List<RecordedEvent> await(Recording recording, String kind, int count)
            throws Exception {
        Path file = folder.resolve("events.jfr");
        for (int i = 0; ; i++) {
            recording.dump(file);
            List<RecordedEvent> events =
                    RecordingFile.readAllEvents(file).stream()
                            .filter(e -> e.getEventType().getName().equals(kind))
                            .toList();
            if (events.size() >= count) {
                return events;
            }
            assertTrue(i < 600, () -> "only " + events);
            Thread.sleep(50);
        }
    }

    private static RecordedEvent named(List<RecordedEvent> events, String name) {
        List<RecordedEvent> found =
                events.stream().filter(e -> e.getString("name").equals(name)).toList();
        assertEquals(1, found.size(), events.toString());
        return found.getFirst();
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void eachTaskIsRecordedWithItsOutcome(FiberAccess access) throws Exception {
        try (var recording = new Recording()) {
            recording.enable(TASK);
            recording.start();
            long id;
            try (var rt = runtime(access)) {
                var slow =
                        rt.spawn(
                                "slow",
                                () -> {
                                    Thread.sleep(30);
                                    return 1;
                                });
                id = slow.id();
                slow.join();
                var failing =
                        rt.spawn(
                                "failing",
                                () -> {
                                    throw new IOException("on purpose");
                                });
                assertThrows(CompletionException.class, failing::join);
                var cancelled =
                        rt.handle()
                                .withPriority(Priority.BACKGROUND)
                                .spawn(
                                        "cancelled",
                                        () -> {
                                            Thread.sleep(60_000);
                                            return 1;
                                        });
                while (rt.dumpFibers().tasks().stream()
                        .noneMatch(t -> t.name().equals("cancelled") && t.thread() != 0)) {
                    Thread.sleep(1);
                }
                cancelled.cancel(true);
                rt.spawnFuture("polled", Futures.sleep(Duration.ofMillis(20))).join();
                rt.spawnBlocking(() -> 1).join();
            }
            List<RecordedEvent> events = await(recording, TASK, 5);
            assertEquals(5, events.size(), events.toString());
            RecordedEvent slow = named(events, "slow");
            assertEquals(id, slow.getLong("task"));
            assertEquals("recorded", slow.getString("runtime"));
            assertEquals("FIBER", slow.getString("kind"));
            assertEquals("NORMAL", slow.getString("lane"));
            assertEquals("COMPLETED", slow.getString("outcome"));
            assertTrue(slow.getDuration().toMillis() >= 25, slow.toString());
            assertFalse(slow.getDuration("waited").isNegative(), slow.toString());
            assertEquals("FAILED", named(events, "failing").getString("outcome"));
            assertEquals("CANCELLED", named(events, "cancelled").getString("outcome"));
            assertEquals("BACKGROUND", named(events, "cancelled").getString("lane"));
            RecordedEvent polled = named(events, "polled");
            assertEquals("POLL_TASK", polled.getString("kind"));
            assertTrue(polled.getDuration().toMillis() >= 15, polled.toString());
            assertTrue(events.stream().anyMatch(e -> e.getString("kind").equals("BLOCKING")));
        }
    }

    @Test
    void theWaitBeforeTheStartIsMeasured() throws Exception {
        try (var recording = new Recording()) {
            recording.enable(TASK);
            recording.start();
            // nobody takes the worker over
            var config =
                    RuntimeConfig.builder().workerThreads(1).stallThreshold(Duration.ZERO).build();
            try (var rt = AvxRuntime.create(config)) {
                var late = new CompletableFuture<JoinHandle<Integer>>();
                rt.handle()
                        .execute(
                                () -> {
                                    late.complete(rt.spawn("late", () -> 1));
                                    long start = System.nanoTime();
                                    while (System.nanoTime() - start < 20_000_000) {
                                        Thread.onSpinWait();
                                    }
                                });
                late.get(60, TimeUnit.SECONDS).join();
            }
            RecordedEvent late = named(await(recording, TASK, 1), "late");
            assertTrue(late.getDuration("waited").toMillis() >= 15, late.toString());
        }
    }

    @Test
    void tasksAreRecordedOnlyWhenAskedForAndAboveTheThreshold() throws Exception {
        try (var recording = new Recording()) {
            recording.start();
            try (var rt = runtime()) {
                rt.spawn("unseen", () -> 1).join();
                recording.enable(TASK).withThreshold(Duration.ofMillis(20));
                rt.spawn("short", () -> 1).join();
                rt.spawn(
                                "long",
                                () -> {
                                    Thread.sleep(40);
                                    return 1;
                                })
                        .join();
            }
            List<RecordedEvent> events = await(recording, TASK, 1);
            assertEquals(
                    1, events.stream().filter(e -> e.getString("name").equals("long")).count());
            for (RecordedEvent event : events) {
                assertFalse(event.getString("name").equals("unseen"), event.toString());
                assertTrue(event.getDuration().toMillis() >= 20, event.toString());
            }
        }
    }

    @Test
    void aStallAndTheTakeOverAreRecorded() throws Exception {
        var stop = new AtomicBoolean();
        try (var recording = new Recording()) {
            recording.start();
            try (var rt = runtime()) {
                rt.setStallThreshold(Duration.ZERO);
                var inside = new CountDownLatch(2);
                try {
                    for (int i = 0; i < 2; i++) {
                        rt.spawn(
                                "hog",
                                () -> {
                                    inside.countDown();
                                    while (!stop.get()) {
                                        Thread.onSpinWait();
                                    }
                                    return 0;
                                });
                    }
                    // a worker that lacked a processor before would be reported without its fiber
                    assertTrue(inside.await(60, TimeUnit.SECONDS));
                    rt.setStallThreshold(Duration.ofMillis(30));
                    while (rt.metrics().stalls() < 2) {
                        Thread.sleep(1);
                    }
                    rt.spawn("patient", () -> 1).join(); // no worker has a thread for it
                } finally {
                    stop.set(true);
                }
            }
            RecordedEvent stall = await(recording, "cloud.avila.avx.Stall", 2).getFirst();
            assertEquals("recorded", stall.getString("runtime"));
            assertEquals("fiber \"hog\"", stall.getString("work"));
            assertTrue(stall.getDuration("busy").toMillis() >= 30, stall.toString());
            assertTrue(stall.getString("stack").contains("FlightEventsTest"), stall.toString());
            RecordedEvent takeOver = await(recording, "cloud.avila.avx.TakeOver", 1).getFirst();
            assertTrue(takeOver.getString("to").contains("spare"), takeOver.toString());
            assertFalse(takeOver.getString("from").equals(takeOver.getString("to")));
        }
    }

    @Test
    void aRefusalIsRecordedWithItsReason() throws Exception {
        try (var recording = new Recording()) {
            recording.start();
            var rt = runtime();
            rt.close();
            assertThrows(RejectedExecutionException.class, () -> rt.spawn(() -> 1));
            List<RecordedEvent> events = await(recording, "cloud.avila.avx.Reject", 1);
            assertTrue(
                    events.getFirst().getString("reason").contains("takes no more tasks"),
                    events.toString());
            assertEquals("recorded", events.getFirst().getString("runtime"));
        }
    }

    @Test
    void aFiberThatWaitsForLongIsRecordedWithWhatItWaitsFor() throws Exception {
        try (var recording = new Recording()) {
            recording.enable(PARK).withThreshold(Duration.ofMillis(20));
            recording.start();
            try (var rt = runtime()) {
                var lock = new Mutex("orders");
                lock.lock();
                var waiter =
                        rt.spawn(
                                "waiter",
                                () -> {
                                    lock.lock();
                                    lock.unlock();
                                    return 1;
                                });
                while (rt.dumpFibers().tasks().stream()
                        .noneMatch(t -> String.valueOf(t.waitsOn()).contains("orders"))) {
                    Thread.sleep(1);
                }
                Thread.sleep(50);
                lock.unlock();
                waiter.join();
                rt.spawn(() -> 1).join(); // a platform thread waits here
            }
            List<RecordedEvent> events = await(recording, PARK, 1);
            RecordedEvent park =
                    events.stream()
                            .filter(e -> e.getString("blocker").contains("orders"))
                            .findFirst()
                            .orElseThrow();
            assertTrue(park.getDuration().toMillis() >= 20, park.toString());
            assertTrue(park.getThread().isVirtual(), park.toString());
            assertTrue(
                    park.getStackTrace().getFrames().stream()
                            .anyMatch(
                                    frame ->
                                            frame.getMethod()
                                                    .getType()
                                                    .getName()
                                                    .contains("FlightEventsTest")),
                    park.toString());
            for (RecordedEvent event : events) {
                assertTrue(event.getThread().isVirtual(), event.toString());
                assertTrue(event.getDuration().toMillis() >= 20, event.toString());
            }
        }
    }

    @Test
    void waitsAreNotRecordedUnlessAskedFor() throws Exception {
        try (var recording = new Recording()) {
            recording.start();
            try (var rt = runtime()) {
                rt.spawn(
                                () -> {
                                    Sleep.of(Duration.ofMillis(40));
                                    return 1;
                                })
                        .join();
            }
            assertEquals(List.of(), await(recording, PARK, 0));
        }
    }

    @Test
    void aDriverThatGivesWayIsRecorded() throws Exception {
        try (var recording = new Recording()) {
            recording.start();
            FlightEvents.driverFallback("recorded", "io_uring", "epoll", "refused");
            RecordedEvent event = await(recording, FALLBACK, 1).getFirst();
            assertEquals("recorded", event.getString("runtime"));
            assertEquals("io_uring", event.getString("wanted"));
            assertEquals("epoll", event.getString("used"));
            assertEquals("refused", event.getString("reason"));
        }
    }

    /** The recording that the settings file makes has an event of each kind. */
    @Test
    void theSettingsFileRecordsEveryKindOfEvent() throws Exception {
        var stop = new AtomicBoolean();
        try (var recording = new Recording(settings())) {
            recording.start();
            var rt = runtime();
            try (rt) {
                rt.spawn(
                                "sleeper",
                                () -> {
                                    Sleep.of(Duration.ofMillis(150));
                                    return 1;
                                })
                        .join();
                try {
                    for (int i = 0; i < 2; i++) {
                        rt.spawn(
                                "hog",
                                () -> {
                                    while (!stop.get()) {
                                        Thread.onSpinWait();
                                    }
                                    return 0;
                                });
                    }
                    while (rt.metrics().stalls() < 2) {
                        Thread.sleep(1);
                    }
                    rt.spawn("patient", () -> 1).join();
                } finally {
                    stop.set(true);
                }
            }
            assertThrows(RejectedExecutionException.class, () -> rt.spawn(() -> 1));
            FlightEvents.driverFallback("recorded", "io_uring", "epoll", "refused");
            for (String kind : settingsOfEvents()) {
                assertFalse(await(recording, kind, 1).isEmpty(), kind);
            }
            assertTrue(
                    await(recording, TASK, 1).stream()
                            .allMatch(e -> e.getDuration().toMillis() >= 100));
        }
    }

    @Test
    void theSettingsFileNamesEveryEventOfAvxAndOnlySettingsThatTheyHave() throws Exception {
        var events = new TreeMap<String, EventType>();
        for (Class<? extends Event> type :
                List.of(
                        Class.forName("cloud.avila.avx.internal.park.ParkEvent")
                                .asSubclass(Event.class),
                        TaskEvent.class,
                        StallEvent.class,
                        TakeOverEvent.class,
                        RejectEvent.class,
                        DriverFallbackEvent.class)) {
            EventType described = EventType.getEventType(type);
            events.put(described.getName(), described);
        }
        FlightRecorder.getFlightRecorder().getEventTypes().stream()
                .filter(type -> type.getName().startsWith("cloud.avila.avx."))
                .forEach(type -> events.put(type.getName(), type));
        assertTrue(events.containsKey(PARK), events.toString());
        assertEquals(events.keySet(), new TreeSet<>(settingsOfEvents()));
        for (String setting : settings().keySet()) {
            String[] parts = setting.split("#");
            EventType type = events.get(parts[0]);
            assertTrue(
                    type != null
                            && type.getSettingDescriptors().stream()
                                    .anyMatch(each -> each.getName().equals(parts[1])),
                    setting);
        }
    }

    private static Map<String, String> settings() throws Exception {
        try (var file = FlightEvents.class.getResourceAsStream("/META-INF/jfr/avx.jfc")) {
            assertTrue(file != null);
            return Configuration.create(new InputStreamReader(file, StandardCharsets.UTF_8))
                    .getSettings();
        }
    }

    private static Set<String> settingsOfEvents() throws Exception {
        return settings().keySet().stream()
                .map(setting -> setting.split("#")[0])
                .collect(Collectors.toSet());
    }

    /** For a JVM without the recorder. */
    static final class InBareImage {
        private InBareImage() {}

        public static void main(String[] args) throws Exception {
            if (ModuleLayer.boot().findModule("jdk.jfr").isPresent()) {
                throw new AssertionError("the recorder is there after all");
            }
            try (var rt = AvxRuntime.create()) {
                rt.spawn(() -> 1).join();
                rt.spawnBlocking(() -> 1).join();
                rt.spawnFuture(Futures.sleep(Duration.ofMillis(1))).join();
            }
        }
    }

    @Test
    void theRuntimeWorksInAnImageWithoutTheRecorder() throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                                "--limit-modules=java.base",
                                "-cp",
                                System.getProperty("java.class.path"),
                                InBareImage.class.getName())
                        .redirectErrorStream(true)
                        .start();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.exitValue(), output);
    }
}
