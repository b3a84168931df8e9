package cloud.avila.avx.spring;

import org.springframework.boot.autoconfigure.AutoConfiguration;

/** Auto-configuration of avx. */
@AutoConfiguration
public final class AvxAutoConfiguration {
    /** Creates the configuration. */
    public AvxAutoConfiguration() {}
}
