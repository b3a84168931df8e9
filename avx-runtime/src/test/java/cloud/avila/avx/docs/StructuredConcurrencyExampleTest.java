package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.JoinSet;
import cloud.avila.avx.Outcome;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.Scope;
import cloud.avila.avx.TaskLocal;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;

class StructuredConcurrencyExampleTest {
    private final ConcurrentLinkedQueue<String> log = new ConcurrentLinkedQueue<>();
    private final CountDownLatch answering = new CountDownLatch(1);

    private String answer(String request) throws InterruptedException {
        if (request.equals("slow")) {
            answering.countDown();
            Thread.sleep(Duration.ofHours(1));
        }
        return "200 " + request;
    }

    String handle(String request, CancellationToken connection) throws Exception {
        CancellationToken token = connection.child();
        try (var undo = token.onCancel(() -> log.add("stopping " + request))) {
            return token.callUntilCancelled(() -> answer(request));
        } catch (CancellationException e) {
            return "503 " + token.reason().orElse("cancelled");
        }
    }

    record Page(String user, List<String> cart) {}

    private String loadUser(long id) {
        return "user-" + id;
    }

    private List<String> loadCart(long id) throws InterruptedException {
        if (id == 13) {
            Thread.sleep(Duration.ofHours(1));
        }
        if (id < 0) {
            throw new IllegalArgumentException("no such cart");
        }
        return List.of("book");
    }

    Page load(long id) throws Exception {
        try (var scope = Scope.open(Scope.failFast())) {
            JoinHandle<String> user = scope.spawn(() -> loadUser(id));
            JoinHandle<List<String>> cart = scope.spawn(() -> loadCart(id));
            scope.join(Duration.ofSeconds(2));
            return new Page(user.resultNow(), cart.resultNow());
        }
    }

    @Test
    void aPageIsLoadedInTimeOrNotAtAll() throws Exception {
        try (var rt = AvxRuntime.create();
                var guard = rt.enter()) {
            assertEquals(new Page("user-7", List.of("book")), load(7));
            assertThrows(CompletionException.class, () -> load(-1));
            assertThrows(TimeoutException.class, () -> load(13));
        }
    }

    private final List<String> pages = new ArrayList<>();

    private String fetch(String url) {
        if (url.isEmpty()) {
            throw new IllegalArgumentException("no address");
        }
        return "text of " + url;
    }

    int index(List<String> urls) throws InterruptedException {
        int failed = 0;
        try (var set = JoinSet.<String>create()) {
            urls.forEach(url -> set.spawn(() -> fetch(url)));
            for (JoinHandle<String> page; (page = set.joinNext()) != null; ) {
                switch (page.outcome()) {
                    case Outcome.Completed<String>(String text) -> pages.add(text);
                    case Outcome.Failed<String> f -> failed++;
                    case Outcome.Cancelled<String> c -> failed++;
                }
            }
        }
        return failed;
    }

    @Test
    void pagesAreIndexedAsTheyArrive() throws Exception {
        try (var rt = AvxRuntime.create();
                var guard = rt.enter()) {
            assertEquals(1, index(List.of("a", "", "b")));
            assertEquals(Set.of("text of a", "text of b"), Set.copyOf(pages));
        }
    }

    @Test
    void aServerStopsItsRequests() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var server = CancellationToken.create();
            assertEquals("200 quick", handle("quick", server));
            JoinHandle<String> slow = rt.spawn(() -> handle("slow", server.child()));
            answering.await();
            server.cancel("shutting down");
            assertEquals("503 shutting down", slow.join());
            assertEquals(List.of("stopping slow"), List.copyOf(log));
        }
    }

    private static List<String> texts(List<Outcome<String>> outcomes) {
        var texts = new ArrayList<String>();
        for (Outcome<String> outcome : outcomes) {
            if (outcome instanceof Outcome.Completed<String>(String text)) {
                texts.add(text);
            }
        }
        return texts;
    }

    static final TaskLocal<String> TENANT = TaskLocal.named("tenant");

    List<String> report(String tenant) throws InterruptedException {
        return TaskLocal.where(TENANT, tenant)
                .call(
                        () -> {
                            try (var scope = Scope.open(Scope.<String>collectAll())) {
                                scope.spawn(() -> "sales of " + TENANT.get());
                                scope.spawn(() -> "stock of " + TENANT.get());
                                return texts(scope.join());
                            }
                        });
    }

    @Test
    void reportsAreOfOneTenant() throws Exception {
        try (var rt = AvxRuntime.create();
                var guard = rt.enter()) {
            assertEquals(List.of("sales of acme", "stock of acme"), report("acme"));
        }
    }

    static final ThreadLocal<String> TRACE = new ThreadLocal<>();

    AvxRuntime runtime() {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .contextPropagators(
                                () -> {
                                    String trace = TRACE.get();
                                    return () -> {
                                        TRACE.set(trace);
                                        return TRACE::remove;
                                    };
                                })
                        .build());
    }

    @Test
    void aTraceFollowsTheTasks() throws Exception {
        try (var rt = runtime()) {
            TRACE.set("trace-1");
            assertEquals("trace-1", rt.spawn(TRACE::get).join());
        } finally {
            TRACE.remove();
        }
    }
}
