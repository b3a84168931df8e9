package cloud.avila.avx.spring;

import cloud.avila.avx.RuntimeConfig;

import org.jspecify.annotations.Nullable;

/** The auto-configured runtime could not be started. */
final class AvxRuntimeStartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable RuntimeConfig config;

    /**
     * Creates the exception.
     *
     * @param config the settings tried, or null if they could not be put together
     * @param cause why
     */
    AvxRuntimeStartException(@Nullable RuntimeConfig config, Throwable cause) {
        super("The AVX runtime could not be started: " + cause, cause);
        this.config = config;
    }

    @Nullable RuntimeConfig config() {
        return config;
    }
}
