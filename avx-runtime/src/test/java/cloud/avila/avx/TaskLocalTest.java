package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.task.Poll;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;

class TaskLocalTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final TaskLocal<String> USER = TaskLocal.named("user");
    private static final TaskLocal<Integer> DEPTH = TaskLocal.named("depth");

    @Test
    void aBindingHoldsForItsBlock() throws Exception {
        assertFalse(USER.isBound());
        assertEquals("nobody", USER.orElse("nobody"));
        var e = assertThrows(NoSuchElementException.class, USER::get);
        assertTrue(e.toString().contains("TaskLocal[user]"), e::toString);
        String seen =
                TaskLocal.where(USER, "ada")
                        .where(DEPTH, 1)
                        .call(
                                () -> {
                                    assertEquals("ada", USER.get());
                                    TaskLocal.where(USER, "grace")
                                            .run(
                                                    () -> {
                                                        assertEquals("grace", USER.get());
                                                        assertEquals(1, DEPTH.get());
                                                    });
                                    return USER.get() + DEPTH.orElse(7);
                                });
        assertEquals("ada1", seen);
        assertFalse(USER.isBound());
        assertThrows(
                IOException.class,
                () ->
                        TaskLocal.where(USER, "ada")
                                .call(
                                        () -> {
                                            throw new IOException("through the block");
                                        }));
        assertFalse(USER.isBound());
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void everyKindOfTaskInheritsTheBindingsOfItsStart(FiberAccess access) throws Exception {
        Books.balanced(
                config -> config.fiberAccess(access),
                rt -> {
                    Handle handle = rt.handle();
                    var started = new ArrayList<JoinHandle<String>>();
                    var job = new ArrayBlockingQueue<String>(1);
                    TaskLocal.where(USER, "ada")
                            .call(
                                    () -> {
                                        started.add(rt.spawn(USER::get));
                                        started.add(rt.spawn("named", USER::get));
                                        started.add(rt.spawnBlocking(USER::get));
                                        started.add(rt.spawn(() -> rt.spawn(USER::get).join()));
                                        started.add(
                                                handle.spawnFuture(cx -> Poll.ready(USER.get())));
                                        handle.execute(() -> job.add(USER.get()));
                                        try (var set = JoinSet.<String>on(handle)) {
                                            set.spawn(USER::get);
                                            var joined = Objects.requireNonNull(set.joinNext());
                                            assertEquals("ada", joined.join());
                                        }
                                        try (var scope =
                                                Scope.open(handle, Scope.<String>firstSuccess())) {
                                            scope.spawn(USER::get);
                                            assertEquals("ada", scope.join());
                                        }
                                        return null;
                                    });
                    for (JoinHandle<String> task : started) {
                        assertEquals("ada", task.join(LONG), task::name);
                    }
                    assertEquals("ada", job.poll(60, TimeUnit.SECONDS));
                    assertFalse(rt.spawn(USER::isBound).join(LONG));
                });
    }

    @Test
    void tasksThatFollowOnTheSameThreadSeeTheirOwnBindingsOnly() throws Exception {
        Books.balanced(
                config -> config.workerThreads(1),
                rt ->
                        rt.blockOn(
                                () -> {
                                    List<JoinHandle<String>> tasks = new ArrayList<>();
                                    for (int i = 0; i < 1000; i++) {
                                        if (i % 2 == 0) {
                                            tasks.add(rt.spawn(() -> USER.orElse("nobody")));
                                        } else {
                                            String name = "user-" + i;
                                            TaskLocal.where(USER, name)
                                                    .run(() -> tasks.add(rt.spawn(USER::get)));
                                        }
                                    }
                                    for (int i = 0; i < 1000; i++) {
                                        assertEquals(
                                                i % 2 == 0 ? "nobody" : "user-" + i,
                                                tasks.get(i).join());
                                    }
                                    return null;
                                }));
    }

    @Test
    void rebindingDownAChainOfTasksKeepsOneValue() throws Exception {
        Books.balanced(
                rt -> {
                    int end =
                            TaskLocal.where(DEPTH, 0)
                                    .<Integer, Exception>call(
                                            () -> rt.spawn(() -> descend(rt, 200)).join(LONG));
                    assertEquals(200, end);
                });
    }

    private static int descend(AvxRuntime rt, int more) throws Exception {
        if (more == 0) {
            return DEPTH.get();
        }
        return TaskLocal.where(DEPTH, DEPTH.get() + 1)
                .<Integer, Exception>call(() -> rt.spawn(() -> descend(rt, more - 1)).join(LONG));
    }

    @Test
    @SuppressWarnings("NullAway") // on purpose
    void nothingIsBoundToNull() {
        assertThrows(NullPointerException.class, () -> TaskLocal.where(USER, null));
        assertThrows(NullPointerException.class, () -> TaskLocal.named(null));
    }
}
