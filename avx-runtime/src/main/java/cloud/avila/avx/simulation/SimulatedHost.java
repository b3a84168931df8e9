package cloud.avila.avx.simulation;

import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.internal.simulation.Host;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.util.Objects;
import java.util.concurrent.Callable;

/**
 * A machine of a simulation. Fibers started here, and whatever they start, have its address and its
 * ports: a listener that they bind is reached from other hosts under this host's name. What is
 * started otherwise belongs to the host of whoever starts it; the first fiber's is called {@code
 * local}.
 */
public final class SimulatedHost {
    private final SimulatedRuntime runtime;
    final Host host;

    SimulatedHost(SimulatedRuntime runtime, Host host) {
        this.runtime = runtime;
        this.host = host;
    }

    /**
     * Its name, which resolves to its address in the simulation.
     *
     * @return the name
     */
    public String name() {
        return host.name();
    }

    /**
     * Its address.
     *
     * @return an IPv4 address
     */
    public InetAddress address() {
        return host.address();
    }

    /**
     * Starts a fiber on this host, as {@link cloud.avila.avx.Handle#spawn(Callable)}.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException if the simulation is closed
     * @throws IllegalStateException if called from outside while the simulation runs
     */
    public <T extends @Nullable Object> JoinHandle<T> spawn(Callable<? extends T> task) {
        Objects.requireNonNull(task, "task");
        return runtime.onHost(host, handle -> handle.spawn(task));
    }

    /**
     * Starts a fiber with a name on this host.
     *
     * @param name the fiber's name
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException if the simulation is closed
     * @throws IllegalStateException if called from outside while the simulation runs
     */
    public <T extends @Nullable Object> JoinHandle<T> spawn(
            String name, Callable<? extends T> task) {
        Objects.requireNonNull(task, "task");
        return runtime.onHost(host, handle -> handle.spawn(name, task));
    }

    @Override
    public String toString() {
        return "SimulatedHost[" + name() + ", " + address().getHostAddress() + "]";
    }
}
