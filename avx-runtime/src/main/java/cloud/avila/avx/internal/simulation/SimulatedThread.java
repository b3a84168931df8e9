package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.scheduler.RuntimeThread;

/** The one thread of a simulation. */
final class SimulatedThread extends RuntimeThread {
    final SimulatedScheduler simulated;

    SimulatedThread(SimulatedScheduler simulated, String name) {
        super(simulated, simulated::serve, name, 0);
        this.simulated = simulated;
    }
}
