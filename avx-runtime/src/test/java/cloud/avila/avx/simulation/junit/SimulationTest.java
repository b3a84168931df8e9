package cloud.avila.avx.simulation.junit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A test that is run as the first fiber of a {@link cloud.avila.avx.simulation.SimulatedRuntime},
 * once for each of many seeds, up to the first that fails. It may have that runtime as a parameter.
 * Each run has an instance of the test class of its own; methods run before and after it are
 * outside the simulation.
 *
 * <p>A failure names its seed. To repeat it, set {@link #seed()}, or the system property {@value
 * #SEED}. Other seeds are tried with the property {@value #FIRST}, more of them with {@value
 * #SEEDS}.
 *
 * <p>Such tests have the tag {@code simulation}, by which they can be given the agent.
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@Tag("simulation")
@ExtendWith(SimulationExtension.class)
public @interface SimulationTest {
    /** The system property that has every simulation run with this one seed. */
    String SEED = "avx.simulation.seed";

    /** The system property with the first seed. */
    String FIRST = "avx.simulation.first-seed";

    /** The system property with the number of seeds. */
    String SEEDS = "avx.simulation.seeds";

    /**
     * How many seeds, from {@link #FIRST}, or else 0, on.
     *
     * @return the number, at least 1
     */
    int seeds() default 100;

    /**
     * The seeds to run instead.
     *
     * @return the seeds; none for as many as {@link #seeds()}
     */
    long[] seed() default {};

    /**
     * How likely a fiber gives way where another thread could interfere.
     *
     * @return the probability, 0 to 1; negative to have the seed choose
     */
    double preemption() default -1;

    /**
     * The longest virtual time of a step.
     *
     * @return the time as {@link java.time.Duration#parse} reads it
     */
    String stepTime() default "PT0S";
}
