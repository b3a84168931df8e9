package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The case of the group {@code stall}: what becomes of the others when as many fibers as there are
 * workers compute for three seconds without a pause. A fiber ticks every millisecond, and a thread
 * outside makes a round trip to an echo server of fibers every 10 ms. Both keep to their timetable:
 * what was due during a stop counts with the time that it is late. In milliseconds.
 */
final class Stall implements Workload {
    private static final long WARM_UP_NANOS = 700_000_000;
    private static final long STALL_NANOS = 3_000_000_000L;
    private static final long SETTLED_NANOS = 1_000_000_000;
    private static final long TICK_NANOS = 1_000_000;
    private static final long TRIP_NANOS = 10_000_000;
    private static final int PATIENCE_MILLIS = 20_000;
    private static final int MESSAGE = 64;

    private final Contestant contestant;
    private final boolean avx;
    private final int workers;

    Stall(String id, String contestant, int workers) {
        if (!id.equals("endless-loops")) {
            throw new IllegalArgumentException("no case " + id);
        }
        this.contestant = Contestant.open(contestant, Contestant.Kind.FIBER, workers);
        this.avx = contestant.equals("avx");
        this.workers = workers;
    }

    @Override
    public List<String> rows() {
        List<String> rows = new ArrayList<>();
        for (String what : List.of("ticker", "echo")) {
            for (String value : List.of("p50", "p99", "max", "settled-p99")) {
                rows.add(what + "-" + value);
            }
        }
        return rows;
    }

    @Override
    public int leastWarmUpRuns() {
        return 0;
    }

    @Override
    public double[] run() throws Exception {
        var port = new CompletableFuture<Integer>();
        contestant.spawn(() -> serve(port));
        long begin = System.nanoTime() + WARM_UP_NANOS;
        Timetable ticks = new Timetable(begin, TICK_NANOS);
        Timetable trips = new Timetable(begin, TRIP_NANOS);
        Future<?> ticker =
                contestant.submit(
                        () -> {
                            ticks.follow(Stall::sleepUntil, () -> {});
                            return true;
                        });
        try (var socket =
                new Socket(InetAddress.getLoopbackAddress(), port.get(10, TimeUnit.SECONDS))) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(PATIENCE_MILLIS);
            List<Future<Long>> loops = new ArrayList<>();
            Thread starter =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        parkUntil(begin);
                                        for (int i = 0; i < workers; i++) {
                                            loops.add(contestant.submit(() -> compute(begin)));
                                        }
                                    });
            trips.follow(Stall::parkUntil, () -> roundTrip(socket));
            starter.join();
            for (Future<Long> loop : loops) {
                loop.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            }
        }
        ticker.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        double[] values = new double[8];
        ticks.values(values, 0);
        trips.values(values, 4);
        return values;
    }

    @Override
    public void close() {
        contestant.close();
    }

    /** The endless loop, which ends so that the comparison goes on. */
    private static long compute(long begin) {
        long rounds = 0;
        while (System.nanoTime() - begin < STALL_NANOS) {
            rounds++;
        }
        return rounds;
    }

    private static void sleepUntil(long nanoTime) throws InterruptedException {
        long left = nanoTime - System.nanoTime();
        if (left > 0) {
            TimeUnit.NANOSECONDS.sleep(left);
        }
    }

    private static void parkUntil(long nanoTime) {
        long left;
        while ((left = nanoTime - System.nanoTime()) > 0) {
            LockSupport.parkNanos(left);
        }
    }

    private static void roundTrip(Socket socket) throws IOException {
        byte[] message = new byte[MESSAGE];
        message[0] = (byte) System.nanoTime();
        socket.getOutputStream().write(message);
        byte[] reply = socket.getInputStream().readNBytes(MESSAGE);
        if (!Arrays.equals(message, reply)) {
            throw new IOException("the reply differs from the message");
        }
    }

    /** Listens, answers one connection and ends. */
    private void serve(CompletableFuture<Integer> port) {
        try {
            if (avx) {
                serveAvx(port);
            } else {
                serveJdk(port);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }

    private static void serveAvx(CompletableFuture<Integer> port)
            throws IOException, InterruptedException {
        try (var listener =
                TcpListener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            port.complete(listener.localAddress().getPort());
            try (TcpStream stream = listener.accept()) {
                byte[] buffer = new byte[MESSAGE];
                int n;
                while ((n = stream.read(buffer)) > 0) {
                    stream.writeAll(buffer, 0, n);
                }
            }
        }
    }

    private static void serveJdk(CompletableFuture<Integer> port) throws IOException {
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port.complete(server.getLocalPort());
            try (Socket socket = server.accept()) {
                socket.setTcpNoDelay(true);
                socket.getInputStream().transferTo(socket.getOutputStream());
            }
        }
    }

    /** Does something at fixed times and notes how late after its time each was done. */
    private static final class Timetable {
        private final LatencyHistogram all = new LatencyHistogram();
        private final LatencyHistogram settled = new LatencyHistogram();
        private final long begin;
        private final long period;

        Timetable(long begin, long period) {
            this.begin = begin;
            this.period = period;
        }

        @FunctionalInterface
        private interface Pause {
            void until(long nanoTime) throws InterruptedException;
        }

        @FunctionalInterface
        private interface Action {
            void run() throws IOException;
        }

        /** Warms up, then goes on until the loops end. */
        void follow(Pause pause, Action action) throws InterruptedException, IOException {
            for (long due = begin - WARM_UP_NANOS; due - begin < STALL_NANOS; due += period) {
                pause.until(due);
                action.run();
                if (due - begin >= 0) {
                    long late = System.nanoTime() - due;
                    all.record(late);
                    if (due - begin >= SETTLED_NANOS) {
                        settled.record(late);
                    }
                }
            }
        }

        void values(double[] values, int at) {
            long expected = STALL_NANOS / period;
            if (all.count() != expected) {
                throw new IllegalStateException(all.count() + " times, not " + expected);
            }
            values[at] = all.micros(0.5) / 1e3;
            values[at + 1] = all.micros(0.99) / 1e3;
            values[at + 2] = all.maxNanos() / 1e6;
            values[at + 3] = settled.micros(0.99) / 1e3;
        }
    }
}
