package cloud.avila.avx.spring;

import cloud.avila.avx.RuntimeConfig;

/**
 * Changes the settings of the auto-configured runtime after {@code avx.*} has been applied. Beans
 * of this type are called in their {@link org.springframework.core.annotation.Order}, before the
 * runtime starts.
 */
@FunctionalInterface
public interface AvxRuntimeCustomizer {
    /**
     * Changes settings.
     *
     * @param builder holds the settings made by the properties
     */
    void customize(RuntimeConfig.Builder builder);
}
