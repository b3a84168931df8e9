package cloud.avila.avx.spring;

import cloud.avila.avx.FiberAccess;
import cloud.avila.avx.RuntimeConfig;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

import java.util.Locale;

/** Says why the runtime did not start and which setting changes that. */
final class AvxRuntimeStartFailureAnalyzer
        extends AbstractFailureAnalyzer<AvxRuntimeStartException> {

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, AvxRuntimeStartException failure) {
        Throwable cause = failure.getCause();
        RuntimeConfig config = failure.config();
        if (config == null) {
            return new FailureAnalysis(
                    "The settings of the AVX runtime are invalid after the AvxRuntimeCustomizer"
                            + " beans have changed them: "
                            + cause
                            + ".",
                    "Correct the AvxRuntimeCustomizer bean that changes this setting; the values"
                            + " of the avx.* properties were valid before.",
                    failure);
        }
        if (cause instanceof UnsupportedOperationException) {
            return cause.getCause() == null
                    ? missingDriver(config, cause, failure)
                    : deniedDriver(config, cause, failure);
        }
        if (cause instanceof IllegalStateException
                && config.fiberAccess() == FiberAccess.OPENED_ONLY) {
            return notOpened(config, failure);
        }
        return new FailureAnalysis(
                "The AVX runtime '"
                        + config.name()
                        + "' could not be started with avx.reactor.driver="
                        + propertyValue(config.reactorDriver())
                        + ", avx.fibers.access="
                        + propertyValue(config.fiberAccess())
                        + ", avx.worker-threads="
                        + config.workerThreads()
                        + " on "
                        + System.getProperty("os.name")
                        + " "
                        + System.getProperty("os.arch")
                        + ", Java "
                        + System.getProperty("java.vm.version")
                        + ": "
                        + cause,
                """
                Try, in this order:
                  - start the JVM with --enable-native-access=ALL-UNNAMED \
                --add-opens=java.base/java.lang=ALL-UNNAMED
                  - set avx.reactor.driver=auto and avx.fibers.access=auto, or remove both
                  - set avx.enabled=false: the application then runs on Spring Boot's own \
                executors""",
                failure);
    }

    private static FailureAnalysis missingDriver(
            RuntimeConfig config, Throwable cause, Throwable failure) {
        return new FailureAnalysis(
                "avx.reactor.driver="
                        + propertyValue(config.reactorDriver())
                        + " asks the AVX runtime '"
                        + config.name()
                        + "' for a driver that this system does not have: "
                        + cause.getMessage()
                        + ".",
                "Remove avx.reactor.driver, or set it to auto: the runtime then takes the best"
                        + " driver of the system it runs on.",
                failure);
    }

    private static FailureAnalysis deniedDriver(
            RuntimeConfig config, Throwable cause, Throwable failure) {
        return new FailureAnalysis(
                "avx.reactor.driver="
                        + propertyValue(config.reactorDriver())
                        + " has the AVX runtime '"
                        + config.name()
                        + "' make native calls at its start, and this JVM does not let it: "
                        + NativeAccessFailureAnalyzer.reason(cause)
                        + ".",
                NativeAccessFailureAnalyzer.ACTION,
                failure);
    }

    private static FailureAnalysis notOpened(RuntimeConfig config, Throwable failure) {
        return new FailureAnalysis(
                "avx.fibers.access=opened-only lets the AVX runtime '"
                        + config.name()
                        + "' run fibers on its workers only if java.lang is open to it, and this"
                        + " JVM has not opened it.",
                """
                Do one of these:
                  - start the JVM with --add-opens=java.base/java.lang=ALL-UNNAMED
                  - set Add-Opens: java.base/java.lang in the manifest of the application's jar
                  - remove avx.fibers.access or set it to auto, which also goes through \
                sun.misc.Unsafe, or to jdk, which leaves fibers to the JDK's scheduler""",
                failure);
    }

    private static String propertyValue(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
