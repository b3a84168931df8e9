package cloud.avila.avx.actuator;

import io.micrometer.common.docs.KeyName;

import java.util.Locale;

/** The tags of the meters; each is called as its constant, in lower case. */
enum MeterKey implements KeyName {
    /** The runtime's name. */
    RUNTIME,
    /** The worker's number, from 0. */
    WORKER,
    /** What workers are doing. */
    STATE,
    /** The reactor's driver. */
    DRIVER,
    /** How fibers are scheduled. */
    MODE,
    /** What a socket is, or the class of a lock. */
    KIND,
    /** The lock's name. */
    LOCK,
    /** The executor's bean name. */
    NAME,
    /** The class of a task. */
    TASK,
    /** How a task ended: {@code success} or {@code error}. */
    OUTCOME;

    @Override
    public String asString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
