package cloud.avila.avx.metrics;

/** What a worker was doing when it was looked at. */
public enum WorkerState {
    /** Running a fiber or a job. */
    RUNNING,
    /** Looking for work in other workers' queues. */
    SEARCHING,
    /** Asleep outside the driver. */
    PARKED,
    /** Asleep in the driver, waiting for sockets and timers. */
    POLLING,
    /** Its thread has ended. */
    TERMINATED
}
