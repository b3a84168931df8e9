/**
 * An asynchronous runtime for Java 25 without dependencies: fibers on a work-stealing scheduler, a
 * reactor, timers, synchronisation, channels and sockets.
 */
module cloud.avila.avx.runtime {
    requires static java.instrument;
    requires static jdk.jfr;
    requires static org.jspecify;

    exports cloud.avila.avx;
    exports cloud.avila.avx.atomic;
    exports cloud.avila.avx.channel;
    exports cloud.avila.avx.metrics;
    exports cloud.avila.avx.net;
    exports cloud.avila.avx.simulation;
    exports cloud.avila.avx.sync;
    exports cloud.avila.avx.task;
    exports cloud.avila.avx.time;

    // where the JVM starts the simulation's agent
    exports cloud.avila.avx.internal.simulation to
            java.instrument;
}
