/**
 * Runs JUnit tests as simulations. Published as the artifact with the classifier {@code junit},
 * since the runtime itself must not depend on JUnit. May use public packages and JUnit only.
 */
@NullMarked
package cloud.avila.avx.simulation.junit;

import org.jspecify.annotations.NullMarked;
