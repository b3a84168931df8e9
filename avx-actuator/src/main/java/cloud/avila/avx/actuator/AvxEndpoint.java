package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

import org.springframework.boot.actuate.endpoint.Access;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;

/** The endpoint {@code /actuator/avx}: a runtime's settings in force and what it is doing. */
@Endpoint(id = "avx", defaultAccess = Access.READ_ONLY)
public final class AvxEndpoint {
    private final AvxRuntime runtime;

    /**
     * Creates the endpoint.
     *
     * @param runtime what to show
     */
    public AvxEndpoint(AvxRuntime runtime) {
        this.runtime = runtime;
    }

    /**
     * Describes the runtime.
     *
     * @return its settings and a new snapshot
     */
    @ReadOperation
    public AvxDescription avx() {
        return AvxDescription.of(runtime);
    }
}
