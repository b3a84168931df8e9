package cloud.avila.avx.spring;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.ShutdownSummary;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.DisposableBean;

import java.time.Duration;

/**
 * One line when the auto-configured runtime has started and one when it has stopped. The runtime is
 * made from it, so Spring destroys it after the runtime.
 */
final class AvxRuntimeLog implements DisposableBean {
    private static final Log LOG = LogFactory.getLog(AvxRuntimeLog.class);

    private @Nullable AvxRuntime runtime;

    void started(AvxRuntime started, Duration took) {
        runtime = started;
        if (!LOG.isInfoEnabled()) {
            return;
        }
        RuntimeMetrics m = started.metrics();
        LOG.info(
                "AVX Runtime%s '%s' started in %d ms: %d workers, driver %s, fibers %s, Java %s"
                        .formatted(
                                version(),
                                m.runtime(),
                                took.toMillis(),
                                m.activeWorkers(),
                                m.driver(),
                                fibers(m.fibers()),
                                System.getProperty("java.vm.version")));
    }

    @Override
    public void destroy() {
        if (runtime == null || !LOG.isInfoEnabled()) {
            return;
        }
        String name = runtime.config().name();
        ShutdownSummary s = runtime.shutdownSummary();
        if (s == null) {
            LOG.info("AVX Runtime '" + name + "' stops as soon as the task that stopped it ends");
            return;
        }
        LOG.info(
                "AVX Runtime '%s' stopped in %d ms: %d tasks drained, %d cancelled%s"
                        .formatted(
                                name,
                                s.duration().toMillis(),
                                s.drained(),
                                s.cancelled(),
                                s.unfinished() == 0
                                        ? ""
                                        : ", of which " + s.unfinished() + " do not end"));
    }

    /** Empty when run from a directory of classes, which has no manifest. */
    private static String version() {
        String version = AvxRuntime.class.getPackage().getImplementationVersion();
        return version == null ? "" : " " + version;
    }

    private static String fibers(String access) {
        return switch (access) {
            case "workers-opened" -> "on workers";
            case "workers-unsafe" -> "on workers (through sun.misc.Unsafe)";
            default -> "on the JDK's scheduler";
        };
    }
}
