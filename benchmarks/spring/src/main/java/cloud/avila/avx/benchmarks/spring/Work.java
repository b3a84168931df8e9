package cloud.avila.avx.benchmarks.spring;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** What the endpoints do, the same on every server. */
@Service
class Work {
    static final long BLOCKING_MILLIS = 5;
    private static final int FAN_OUT = 100;

    private final AtomicLong ids = new AtomicLong();
    private final JdbcClient database;
    private final Parts parts;

    Work(JdbcClient database, Parts parts) {
        this.database = database;
        this.parts = parts;
    }

    Greeting hello() {
        return new Greeting(ids.incrementAndGet(), "hello, world");
    }

    /** As a call to another service: nothing to compute, and the thread waits. */
    Greeting slow() throws InterruptedException {
        Thread.sleep(BLOCKING_MILLIS);
        return hello();
    }

    Greeting query() {
        long id = 1 + ids.incrementAndGet() % Databases.ROWS;
        return database.sql("select id, message from greeting where id = ?")
                .param(id)
                .query(Greeting.class)
                .single();
    }

    /** Starts a hundred tasks and waits for all of them, as Spring's guide does it. */
    Greeting fanOut() {
        List<CompletableFuture<Integer>> started = new ArrayList<>(FAN_OUT);
        for (int i = 0; i < FAN_OUT; i++) {
            started.add(parts.part(i));
        }
        return sum(started);
    }

    /** The same with tasks that do what such tasks are for: wait for another service. */
    Greeting calls() throws InterruptedException {
        List<CompletableFuture<Integer>> started = new ArrayList<>(FAN_OUT);
        for (int i = 0; i < FAN_OUT; i++) {
            started.add(parts.slowPart(i));
        }
        return sum(started);
    }

    private static Greeting sum(List<CompletableFuture<Integer>> started) {
        CompletableFuture.allOf(started.toArray(CompletableFuture[]::new)).join();
        int sum = 0;
        for (CompletableFuture<Integer> part : started) {
            sum += part.join();
        }
        return new Greeting(sum, "sum");
    }
}
