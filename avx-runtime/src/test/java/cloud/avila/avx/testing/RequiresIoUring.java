package cloud.avila.avx.testing;

import cloud.avila.avx.internal.reactor.IoDrivers;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.io.IOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Leaves out tests of the ring itself where the kernel or a container's filter refuses io_uring, as
 * Docker's does; the build says so and goes on.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresIoUring.Condition.class)
public @interface RequiresIoUring {
    /** Asks the system once. */
    final class Condition implements ExecutionCondition {
        private static final boolean AVAILABLE = isAvailable();

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return AVAILABLE
                    ? ConditionEvaluationResult.enabled("io_uring works")
                    : ConditionEvaluationResult.disabled(
                            "io_uring unavailable: the warning in the log names the reason");
        }

        private static boolean isAvailable() {
            if (!System.getProperty("os.name").equals("Linux")) {
                return false;
            }
            try (var driver = IoDrivers.open("io_uring", _ -> {})) {
                return driver.name().equals("io_uring");
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }
}
