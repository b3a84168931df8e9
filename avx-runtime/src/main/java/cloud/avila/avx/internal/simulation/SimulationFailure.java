package cloud.avila.avx.internal.simulation;

/** Why a simulation cannot go on; the public package has an exception for each kind. */
public final class SimulationFailure extends Exception {
    private static final long serialVersionUID = 1;

    /** The kinds. */
    public enum Kind {
        /** Nothing can ever happen any more, and what was to be run has not ended. */
        DEADLOCK,
        /** It went beyond its bounds. */
        RUNAWAY,
        /** One step does not end. */
        STALL,
        /** Something from outside took part. */
        INTRUSION
    }

    /** Which kind it is. */
    private final Kind kind;

    SimulationFailure(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /**
     * Which kind it is.
     *
     * @return the kind
     */
    public Kind kind() {
        return kind;
    }
}
