package cloud.avila.avx.internal.fiber;

import java.util.ArrayList;
import java.util.List;

/** Knows the builds of the JDK whose virtual threads have a fault that a runtime must warn of. */
public final class JdkBuild {
    private record Fault(String bug, String effect, Runtime.Version fixedIn) {}

    private static final List<Fault> FAULTS =
            List.of(
                    new Fault(
                            "JDK-8369227",
                            "a virtual thread may stay parked after unpark",
                            Runtime.Version.parse("25.0.3")),
                    new Fault(
                            "JDK-8373120",
                            "a virtual thread may stay blocked on a monitor",
                            Runtime.Version.parse("25.0.4")));

    private JdkBuild() {}

    /**
     * Lists the known faults of a JDK.
     *
     * @param version its version
     * @return one sentence for each fault, naming the bug, its effect and the version with the fix
     */
    public static List<String> faultsOf(Runtime.Version version) {
        var found = new ArrayList<String>();
        for (Fault fault : FAULTS) {
            if (version.feature() == fault.fixedIn.feature()
                    && version.compareToIgnoreOptional(fault.fixedIn) < 0) {
                found.add(
                        "JDK %s has %s (%s); update to %s or later"
                                .formatted(version, fault.bug, fault.effect, fault.fixedIn));
            }
        }
        return found;
    }
}
