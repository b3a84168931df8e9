package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** The PostgreSQL driver, unchanged, on sockets of the runtime, against a real server. */
@Timeout(120)
class JdbcOverAvxTest {
    private static EmbeddedPostgres server;

    @BeforeAll
    static void start() throws IOException {
        server = EmbeddedPostgres.start();
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    private static Connection connect() throws SQLException {
        return DriverManager.getConnection(
                "jdbc:postgresql://localhost:%d/postgres?user=postgres&socketFactory=%s&socketFactoryArg=%s"
                        .formatted(server.getPort(), AvxSocketFactory.class.getName(), "jdbc"));
    }

    private static AvxRuntime runtime() {
        return AvxRuntime.create(RuntimeConfig.builder().name("jdbc").workerThreads(2).build());
    }

    @Test
    void aHundredFibersShareAPoolOfConnections() throws Exception {
        try (var rt = runtime()) {
            BlockingQueue<Connection> pool = new ArrayBlockingQueue<>(4);
            for (int i = 0; i < 4; i++) {
                pool.add(connect()); // on a thread of no runtime, as a pool's own
            }
            assertEquals(4, rt.metrics().socketsRegistered(), "the sockets are the runtime's");
            var sums = new ArrayList<JoinHandle<Integer>>();
            for (int f = 0; f < 100; f++) {
                int number = f;
                sums.add(rt.spawn(() -> square(pool, number)));
            }
            int total = 0;
            for (JoinHandle<Integer> sum : sums) {
                total += sum.join();
            }
            assertEquals(328_350, total);
            for (Connection connection : pool) {
                connection.close();
            }
            assertEquals(0, rt.metrics().registeredSockets());
        }
    }

    private static int square(BlockingQueue<Connection> pool, int number) throws Exception {
        Connection connection = pool.take();
        try (var query = connection.prepareStatement("select ?::int * ?::int")) {
            query.setInt(1, number);
            query.setInt(2, number);
            try (var row = query.executeQuery()) {
                assertTrue(row.next());
                return row.getInt(1);
            }
        } finally {
            pool.add(connection);
        }
    }

    @Test
    void megabytesGoBothWaysUnchanged() throws Exception {
        try (var rt = runtime()) {
            rt.spawn(
                            () -> {
                                byte[] sent = new byte[5_000_000];
                                for (int i = 0; i < sent.length; i++) {
                                    sent[i] = (byte) (i * 31 + i / 257);
                                }
                                try (var connection = connect();
                                        var query = connection.prepareStatement("select ?")) {
                                    query.setBytes(1, sent);
                                    try (var row = query.executeQuery()) {
                                        assertTrue(row.next());
                                        assertArrayEquals(sent, row.getBytes(1));
                                    }
                                }
                                return null;
                            })
                    .join();
        }
    }

    @Test
    void aQueryTimeoutCancelsOnTheServerAndTheConnectionGoesOn() throws Exception {
        try (var rt = runtime()) {
            rt.spawn(
                            () -> {
                                try (var connection = connect();
                                        var statement = connection.createStatement()) {
                                    statement.setQueryTimeout(1);
                                    var e =
                                            assertThrows(
                                                    SQLException.class,
                                                    () ->
                                                            statement.execute(
                                                                    "select pg_sleep(100)"));
                                    assertEquals("57014", e.getSQLState()); // query_canceled
                                    try (var row = statement.executeQuery("select 1")) {
                                        assertTrue(row.next());
                                    }
                                }
                                return null;
                            })
                    .join();
        }
    }

    @Test
    void aSocketTimeoutOfTheDriverIsKept() throws Exception {
        try (var rt = runtime()) {
            rt.spawn(
                            () -> {
                                try (var connection = connect();
                                        var statement = connection.createStatement()) {
                                    connection.setNetworkTimeout(Runnable::run, 200);
                                    var e =
                                            assertThrows(
                                                    SQLException.class,
                                                    () ->
                                                            statement.execute(
                                                                    "select pg_sleep(100)"));
                                    assertTrue(
                                            e.getCause() instanceof SocketTimeoutException,
                                            e::toString);
                                }
                                return null;
                            })
                    .join();
        }
    }
}
