package cloud.avila.avx.benchmarks.echo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What a process has used so far, from Linux's {@code /proc}.
 *
 * @param userMicros time in user mode, in steps of 10 ms
 * @param systemMicros time in the kernel, in steps of 10 ms
 * @param switches context switches of its living threads, voluntary and not
 */
record ProcessCpu(double userMicros, double systemMicros, long switches) {
    private static final double MICROS_PER_TICK = 10_000; // the kernel reports in 1/100 s
    private static final int USER_FIELD = 11; // counted from the state, after the name
    private static final int SYSTEM_FIELD = 12;

    static ProcessCpu of(long pid) throws IOException {
        Path process = Path.of("/proc", Long.toString(pid));
        String stat = Files.readString(process.resolve("stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return new ProcessCpu(
                Long.parseLong(fields[USER_FIELD]) * MICROS_PER_TICK,
                Long.parseLong(fields[SYSTEM_FIELD]) * MICROS_PER_TICK,
                switches(process.resolve("task")));
    }

    double totalMicros() {
        return userMicros + systemMicros;
    }

    private static long switches(Path tasks) throws IOException {
        try (var list = Files.list(tasks)) {
            return list.mapToLong(ProcessCpu::switchesOfThread).sum();
        }
    }

    private static long switchesOfThread(Path task) {
        try {
            List<String> status = Files.readAllLines(task.resolve("status"));
            return status.stream()
                    .filter(line -> line.contains("ctxt_switches:"))
                    .mapToLong(
                            line -> Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
                    .sum();
        } catch (IOException e) {
            if (Files.exists(task)) {
                throw new UncheckedIOException(e);
            }
            return 0; // the thread has ended meanwhile
        }
    }
}
