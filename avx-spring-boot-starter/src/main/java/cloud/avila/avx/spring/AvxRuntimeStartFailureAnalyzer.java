package cloud.avila.avx.spring;

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

    private static String propertyValue(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
