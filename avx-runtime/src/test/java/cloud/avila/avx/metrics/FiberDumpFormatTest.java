package cloud.avila.avx.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.TinyJson;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;

class FiberDumpFormatTest {
    /** Quotes, escapes, control characters, other scripts, half a surrogate pair. */
    private static final String HOSTILE =
            "a\"b\\c\n\"d\" #1 fiber\t\u0000\u001b[31m\u00e4\u2028\ud83d\ude00\ud800";

    private static final StackTraceElement FRAME =
            new StackTraceElement("app.Service", "handle", "Service.java", 42);

    private static TaskSnapshot task(String name, @Nullable Wait wait) {
        return new TaskSnapshot(
                7,
                name,
                TaskKind.POLL_TASK,
                "normal",
                TaskState.TIMED_WAITING,
                true,
                Duration.ofMillis(61_005),
                31,
                null,
                wait,
                List.of(FRAME));
    }

    private static FiberDump dump(TaskSnapshot... tasks) {
        var wait = new Wait("app.Lock", "Lock[held]", "b", 8);
        return new FiberDump(
                HOSTILE,
                Instant.EPOCH,
                9,
                List.of(),
                1,
                2,
                3,
                4,
                Map.of(TaskState.WAITING, 5L, TaskState.QUEUED, 4L),
                List.of(tasks),
                6,
                List.of(
                        new Deadlock(
                                List.of(new Deadlock.Member("a", 7, 31, wait, List.of(FRAME))))));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, @Nullable Object> object(@Nullable Object json) {
        return (Map<String, @Nullable Object>) Objects.requireNonNull(json);
    }

    private static @Nullable Object first(@Nullable Object json) {
        return ((List<?>) Objects.requireNonNull(json)).getFirst();
    }

    @Test
    void jsonKeepsEveryValueHoweverHostile() {
        var wait = new Wait("app.Lock", HOSTILE, null, 0);
        var json = dump(task(HOSTILE, wait), task("plain", null)).toJson();
        assertTrue(json.chars().allMatch(c -> c >= ' ' && c < 127), json);
        var dump = object(TinyJson.parse(json));
        assertEquals(HOSTILE, dump.get("runtime"));
        assertEquals("1970-01-01T00:00:00Z", dump.get("time"));
        assertEquals(new BigDecimal(9), dump.get("live"));
        assertEquals(new BigDecimal(6), dump.get("omitted"));
        assertEquals(
                Map.of("QUEUED", new BigDecimal(4), "WAITING", new BigDecimal(5)),
                dump.get("states"));
        var task = object(first(dump.get("tasks")));
        assertEquals(HOSTILE, task.get("name"));
        assertEquals("POLL_TASK", task.get("kind"));
        assertEquals("TIMED_WAITING", task.get("state"));
        assertEquals(true, task.get("cancelled"));
        assertEquals(0, new BigDecimal("61.005").compareTo((BigDecimal) task.get("age")));
        assertNull(task.get("worker"));
        assertEquals(HOSTILE, object(task.get("waitsOn")).get("description"));
        assertNull(object(task.get("waitsOn")).get("holder"));
        assertEquals(FRAME.toString(), first(task.get("stack")));
        var member = object(first(object(first(dump.get("deadlocks"))).get("members")));
        assertEquals("b", object(member.get("waitsOn")).get("holder"));
        assertEquals(new BigDecimal(8), object(member.get("waitsOn")).get("holderId"));
    }

    @Test
    void jsonOfADumpWithoutAnythingIsValid() {
        var empty =
                new FiberDump(
                        "r",
                        Instant.EPOCH,
                        0,
                        List.of(),
                        0,
                        0,
                        0,
                        0,
                        Map.of(),
                        List.of(),
                        0,
                        List.of());
        assertEquals(List.of(), object(TinyJson.parse(empty.toJson())).get("tasks"));
    }

    @Test
    void theReaderThatChecksTheJsonRefusesWhatIsNone() {
        for (String wrong :
                List.of("", "{", "[1,]", "{\"a\":1,}", "\"\n\"", "01", "{\"a\" 1}", "[] []")) {
            assertThrows(IllegalArgumentException.class, () -> TinyJson.parse(wrong), wrong);
        }
    }

    @Test
    void textSaysAllOfATask() {
        String text = dump(task("worker-1", new Wait("app.Lock", "Lock[held]", "b", 8))).toText();
        assertTrue(
                text.contains(
                        "\"worker-1\" #7 poll task, normal, timed waiting, cancelled, age 61.005 s, thread 31\n"
                                + "    waits on Lock[held], held by \"b\" #8\n"
                                + "    at app.Service.handle(Service.java:42)\n"),
                text);
        assertTrue(text.contains("tasks: 4 queued, 5 waiting\n"), text);
        assertTrue(text.contains("and 6 more tasks"), text);
        assertTrue(text.contains("Deadlock of 1:\n  \"a\" #7 waits on Lock[held]"), text);
    }

    @Test
    void aNameCannotForgeALineOfTheText() {
        String text = dump(task(HOSTILE, new Wait("app.Lock", HOSTILE, HOSTILE, 0))).toText();
        assertFalse(text.lines().anyMatch(line -> line.startsWith("\"d\"")), text);
        assertFalse(text.contains("\u001b"), text);
    }

    @Test
    void optionsRefuseNegativeBounds() {
        var options = FiberDump.Options.defaults();
        assertThrows(IllegalArgumentException.class, () -> options.withMaxTasks(-1));
        assertThrows(IllegalArgumentException.class, () -> options.withMaxStacks(-1));
        assertThrows(IllegalArgumentException.class, () -> options.withStackDepth(-1));
    }
}
