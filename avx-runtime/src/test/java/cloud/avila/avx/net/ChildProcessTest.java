package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.zip.CRC32C;

/** What needs a process of its own: a low limit of descriptors, and a slow and lossy network. */
@Timeout(300)
@EnabledOnOs(OS.LINUX)
class ChildProcessTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private record Ended(int status, String output) {}

    /**
     * The class path with jars in place of directories: a process that has no descriptor left
     * cannot load a class from a directory.
     */
    private static final String CLASS_PATH = inJars();

    private static String inJars() {
        var all = new ArrayList<String>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path path = Path.of(entry);
            all.add(Files.isDirectory(path) ? jar(path).toString() : entry);
        }
        return String.join(File.pathSeparator, all);
    }

    private static Path jar(Path directory) {
        try {
            Path jar = Files.createTempFile("classes", ".jar");
            jar.toFile().deleteOnExit();
            try (var out = new JarOutputStream(Files.newOutputStream(jar));
                    var files = Files.walk(directory)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    out.putNextEntry(new JarEntry(directory.relativize(file).toString()));
                    Files.copy(file, out);
                    out.closeEntry();
                }
            }
            return jar;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the main method of a class in a JVM that a shell starts after other commands. */
    private static Ended run(Class<?> main, String... shell) throws Exception {
        String java = ProcessHandle.current().info().command().orElseThrow();
        String line =
                String.join(" && ", shell)
                        + " && exec '"
                        + java
                        + "' -XX:-MaxFDLimit -Xmx256m -Davx.leak-detection=paranoid"
                        + " --enable-native-access=ALL-UNNAMED"
                        + " --add-opens=java.base/java.lang=ALL-UNNAMED -cp '"
                        + CLASS_PATH
                        + "' '"
                        + main.getName()
                        + "'";
        var builder = new ProcessBuilder("sh", "-c", line).redirectErrorStream(true);
        if (main == SlowNetwork.class) {
            builder.command("unshare", "--net", "sh", "-c", line);
        }
        Process process = builder.start();
        var output = new StringBuilder();
        Thread reader =
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    try {
                                        output.append(
                                                new String(
                                                        process.getInputStream().readAllBytes()));
                                    } catch (IOException e) {
                                        output.append(e);
                                    }
                                });
        if (!process.waitFor(90, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        reader.join();
        return new Ended(process.waitFor(), output.toString());
    }

    @Test
    void acceptingGoesOnAfterDescriptorsHaveRunOut() throws Exception {
        Ended ended = run(FewDescriptors.class, "ulimit -n 160");
        assertEquals(0, ended.status, ended.output);
        assertTrue(ended.output.contains("recovered"), ended.output);
    }

    /** With 160 descriptors: 40 connections wait, nothing is left to accept them, then there is. */
    static final class FewDescriptors {
        private FewDescriptors() {}

        public static void main(String[] args) throws Exception {
            try (var rt = AvxRuntime.create()) {
                rt.blockOn(
                        () -> {
                            var loopback =
                                    new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
                            try (var listener = TcpListener.bind(loopback)) {
                                var clients = new ArrayList<TcpStream>();
                                for (int i = 0; i < 40; i++) {
                                    clients.add(TcpStream.connect(listener.localAddress()));
                                }
                                var hoard = new ArrayList<UdpSocket>();
                                try {
                                    while (true) {
                                        hoard.add(UdpSocket.bind(loopback));
                                    }
                                } catch (SocketException e) {
                                    String message = String.valueOf(e.getMessage());
                                    check(message.contains("EMFILE (24)"), message);
                                }
                                var accepting =
                                        rt.spawn(
                                                () -> {
                                                    var all = new ArrayList<TcpStream>();
                                                    while (all.size() < 40) {
                                                        all.add(listener.accept(PATIENCE));
                                                    }
                                                    return all;
                                                });
                                while (listener.acceptFailures() < 3) {
                                    Thread.sleep(5);
                                }
                                check(!accepting.isDone(), "accepted without descriptors");
                                hoard.forEach(UdpSocket::close);
                                var accepted = accepting.join();
                                accepted.getFirst().writeAll(new byte[1]);
                                check(clients.getFirst().read(new byte[9]) == 1, "no byte");
                                accepted.forEach(TcpStream::close);
                                clients.forEach(TcpStream::close);
                            }
                            return null;
                        });
            }
            System.out.println("recovered");
        }
    }

    private static void check(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    /**
     * In a network of its own with delay, loss and reordering, which needs the right to make one.
     */
    @Test
    void aSlowAndLossyNetworkLosesNothing() throws Exception {
        Ended ended =
                run(
                        SlowNetwork.class,
                        "ip link set lo up",
                        "echo own network",
                        "(tc qdisc add dev lo root netem delay 4ms 2ms loss 1% reorder 5%"
                                + " || echo NO NETEM)");
        if (!ended.output.contains("own network")) {
            System.out.println(
                    "NOT RUN: a network of its own needs unshare, ip and their rights: "
                            + ended.output.strip());
            return;
        }
        if (ended.output.contains("NO NETEM")) {
            System.out.println("RUN WITHOUT delay and loss: this kernel has no netem");
        }
        assertEquals(0, ended.status, ended.output);
        assertTrue(ended.output.contains("all arrived"), ended.output);
    }

    /** Data with checksums, a peer that reads slowly, one that vanishes, over the bad network. */
    static final class SlowNetwork {
        private SlowNetwork() {}

        public static void main(String[] args) throws Exception {
            try (var rt = AvxRuntime.create()) {
                rt.blockOn(
                        () -> {
                            try (var listener = TcpListener.bind("127.0.0.1", 0)) {
                                var transfers =
                                        new ArrayList<cloud.avila.avx.JoinHandle<Boolean>>();
                                for (int i = 0; i < 8; i++) {
                                    long seed = i;
                                    transfers.add(
                                            rt.spawn(
                                                    () ->
                                                            transfer(
                                                                    rt,
                                                                    TcpStream.connect(
                                                                            listener.localAddress(),
                                                                            PATIENCE),
                                                                    listener.accept(PATIENCE),
                                                                    seed)));
                                }
                                for (var each : transfers) {
                                    check(each.join(), "checksums differ");
                                }
                                slowReader(listener);
                                halfOpen(listener);
                            }
                            return null;
                        });
            }
            System.out.println("all arrived");
        }

        private static boolean transfer(AvxRuntime rt, TcpStream a, TcpStream b, long seed)
                throws Exception {
            // the two may belong to different connections: then each has its own peer
            try (a;
                    b) {
                byte[] data = new byte[300_000];
                new SplittableRandom(seed).nextBytes(data);
                var crc = new CRC32C();
                crc.update(data);
                var sending =
                        rt.spawn(
                                () -> {
                                    a.writeAll(
                                            ByteBuffer.allocate(8).putLong(crc.getValue()).flip());
                                    a.writeAll(data);
                                    a.shutdownOutput();
                                    return a.read(new byte[1]);
                                });
                var told = ByteBuffer.allocate(8);
                b.readFully(told);
                byte[] got = b.inputStream().readAllBytes();
                b.shutdownOutput();
                var sum = new CRC32C();
                sum.update(got);
                return sum.getValue() == told.getLong(0)
                        && got.length == data.length
                        && sending.join() == -1;
            }
        }

        private static void slowReader(TcpListener listener) throws Exception {
            try (var c = TcpStream.connect(listener.localAddress(), PATIENCE);
                    var s = listener.accept(PATIENCE)) {
                var large = ByteBuffer.allocate(32 << 20);
                try {
                    c.writeAll(large, Duration.ofMillis(300));
                    throw new AssertionError("nobody reads, but all was written");
                } catch (SocketTimeoutException e) {
                    check(e.bytesTransferred == large.position(), "position");
                }
                byte[] chunk = new byte[1_000];
                int read = 0;
                for (int i = 0; i < 20; i++) {
                    read += s.read(chunk);
                    Thread.sleep(5);
                }
                check(read > 0, "nothing came");
            }
        }

        private static void halfOpen(TcpListener listener) throws Exception {
            try (var c = TcpStream.connect(listener.localAddress(), PATIENCE);
                    var s = listener.accept(PATIENCE)) {
                s.setOption(SocketOptions.TCP_USER_TIMEOUT, 1_000);
                int status = shell("ip link set lo down");
                check(status == 0, "ip link");
                s.writeAll(new byte[10]);
                try {
                    s.read(ByteBuffer.allocate(9), Duration.ofSeconds(30));
                    throw new AssertionError("read from a peer that has vanished");
                } catch (SocketException e) {
                    System.out.println("the vanished peer was noticed: " + e.getMessage());
                }
                check(c.isOpen(), "the other end knows nothing");
            }
        }

        private static int shell(String command) throws Exception {
            return new ProcessBuilder(Arrays.asList("sh", "-c", command))
                    .inheritIO()
                    .start()
                    .waitFor();
        }
    }

    /** {@code -Davx.idle.connections=10000} is the long form; needs as many descriptors here. */
    private static final int IDLE = Integer.getInteger("avx.idle.connections", 2_000);

    @Test
    void idleConnectionsCostLittleMore() throws Exception {
        long avx = idle("avx");
        long jdk = idle("jdk");
        System.out.printf(
                "%d idle connections: AVX %.1f MiB, virtual threads of the JDK %.1f MiB%n",
                IDLE, avx / 1048576.0, jdk / 1048576.0);
        assertTrue(
                avx - jdk <= 40L << 20,
                () -> "AVX takes " + (avx - jdk) / 1024 + " KiB more than the JDK's own");
    }

    /** Memory that a server process takes for idle connections, each of which then answers. */
    private static long idle(String kind) throws Exception {
        Process server =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-Xmx1g",
                                "-Xms16m",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                IdleServer.class.getName(),
                                kind,
                                Integer.toString(IDLE))
                        .redirectErrorStream(true)
                        .start();
        var clients = new ArrayList<Socket>();
        try (var lines = new BufferedReader(new InputStreamReader(server.getInputStream()));
                var input = server.outputWriter()) {
            int port = Integer.parseInt(told(lines, "port "));
            for (int i = 0; i < IDLE; i++) {
                clients.add(new Socket(InetAddress.ofLiteral("127.0.0.1"), port));
            }
            long bytes = Long.parseLong(told(lines, "bytes "));
            for (Socket client : clients) {
                client.getOutputStream().write(7);
            }
            for (Socket client : clients) {
                client.setSoTimeout(60_000);
                assertEquals(7, client.getInputStream().read());
            }
            input.write("end\n");
            input.flush();
            return bytes;
        } finally {
            for (Socket client : clients) {
                client.close();
            }
            server.destroyForcibly().waitFor();
        }
    }

    private static String told(BufferedReader lines, String prefix) throws IOException {
        var seen = new StringBuilder();
        for (String line; (line = lines.readLine()) != null; ) {
            if (line.startsWith(prefix)) {
                return line.substring(prefix.length());
            }
            seen.append(line).append('\n');
        }
        throw new AssertionError("the server ended: " + seen);
    }

    /** Accepts connections, reads from each, tells its memory, and echoes one byte each. */
    static final class IdleServer {
        private IdleServer() {}

        public static void main(String[] args) throws Exception {
            int count = Integer.parseInt(args[1]);
            long before = memory();
            var waiting = new AtomicInteger();
            if (args[0].equals("avx")) {
                try (var rt = AvxRuntime.create()) {
                    rt.blockOn(
                            () -> {
                                var listener = TcpListener.bind("127.0.0.1", 0);
                                System.out.println("port " + listener.localAddress().getPort());
                                for (int i = 0; i < count; i++) {
                                    TcpStream c = listener.accept();
                                    rt.spawn(
                                            () -> {
                                                waiting.incrementAndGet();
                                                byte[] one = new byte[1];
                                                c.readFully(one);
                                                c.writeAll(one);
                                                return c;
                                            });
                                }
                                return null;
                            });
                    tell(before, waiting, count);
                }
            } else {
                var listener = new ServerSocket(0, 1024, InetAddress.ofLiteral("127.0.0.1"));
                System.out.println("port " + listener.getLocalPort());
                for (int i = 0; i < count; i++) {
                    Socket c = listener.accept();
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        try {
                                            waiting.incrementAndGet();
                                            c.getOutputStream().write(c.getInputStream().read());
                                        } catch (IOException e) {
                                            throw new AssertionError(e);
                                        }
                                    });
                }
                tell(before, waiting, count);
            }
        }

        private static void tell(long before, AtomicInteger waiting, int count) throws Exception {
            while (waiting.get() < count) {
                Thread.sleep(10);
            }
            Thread.sleep(500);
            System.out.println("bytes " + (memory() - before));
            check(System.in.read() >= 0, "no end");
        }

        /** Live heap and everything else that the process has in memory. */
        private static long memory() throws Exception {
            for (int i = 0; i < 4; i++) {
                System.gc();
                Thread.sleep(50);
            }
            long heap = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
            long committed = Runtime.getRuntime().totalMemory();
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmRSS:")) {
                    long resident = Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
                    return heap + Math.max(resident - committed, 0);
                }
            }
            return heap;
        }
    }
}
