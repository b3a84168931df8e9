package cloud.avila.avx.simulation.junit;

import cloud.avila.avx.simulation.SimulatedRuntime;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MediaType;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Runs the tests with {@link SimulationTest}. */
final class SimulationExtension implements TestTemplateInvocationContextProvider {
    @Override
    public boolean supportsTestTemplate(ExtensionContext context) {
        return AnnotationSupport.isAnnotated(context.getRequiredTestMethod(), SimulationTest.class);
    }

    @Override
    public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(
            ExtensionContext context) {
        SimulationTest test =
                AnnotationSupport.findAnnotation(
                                context.getRequiredTestMethod(), SimulationTest.class)
                        .orElseThrow();
        var failed = new AtomicBoolean();
        return seeds(test)
                .takeWhile(seed -> !failed.get())
                .mapToObj(seed -> new OneSeed(seed, test, failed));
    }

    private static LongStream seeds(SimulationTest test) {
        Long one = Long.getLong(SimulationTest.SEED);
        if (one != null) {
            return LongStream.of(one);
        }
        if (test.seed().length > 0) {
            return LongStream.of(test.seed());
        }
        long first = Long.getLong(SimulationTest.FIRST, 0);
        return LongStream.range(
                first, first + Integer.getInteger(SimulationTest.SEEDS, test.seeds()));
    }

    /** One seed of one test. */
    private record OneSeed(long seed, SimulationTest test, AtomicBoolean failed)
            implements TestTemplateInvocationContext {
        @Override
        public String getDisplayName(int invocationIndex) {
            return "seed " + seed;
        }

        @Override
        public List<Extension> getAdditionalExtensions() {
            return List.of(new Run(this));
        }

        SimulatedRuntime open() {
            var builder =
                    SimulatedRuntime.builder().seed(seed).stepTime(Duration.parse(test.stepTime()));
            if (test.preemption() >= 0) {
                builder.preemption(test.preemption());
            }
            return builder.build();
        }
    }

    /** Makes its simulation, and runs the test in it. */
    private static final class Run implements ParameterResolver, InvocationInterceptor {
        private final OneSeed invocation;
        private final SimulatedRuntime simulation;

        Run(OneSeed invocation) {
            this.invocation = invocation;
            this.simulation = invocation.open();
        }

        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == SimulatedRuntime.class
                    && parameter.getDeclaringExecutable() instanceof Method;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return simulation;
        }

        @Override
        public void interceptTestTemplateMethod(
                InvocationInterceptor.Invocation<@Nullable Void> body,
                ReflectiveInvocationContext<Method> method,
                ExtensionContext context)
                throws Throwable {
            try (simulation) {
                simulation.run(() -> proceed(body));
            } catch (TestAbortedException e) {
                throw e;
            } catch (Throwable e) {
                invocation.failed.set(true);
                throw failure(e, context);
            }
        }

        private static boolean proceed(InvocationInterceptor.Invocation<@Nullable Void> body)
                throws Exception {
            try {
                body.proceed();
                return true;
            } catch (Exception | Error e) {
                throw e;
            } catch (Throwable t) {
                throw new AssertionError(t);
            }
        }

        private AssertionError failure(Throwable cause, ExtensionContext context) {
            long seed = simulation.seed();
            context.publishFile(
                    "simulation-of-seed-" + seed + ".trace",
                    MediaType.TEXT_PLAIN_UTF_8,
                    file -> Files.writeString(file, simulation.trace()));
            return new AssertionError(
                    "seed %d failed at %s after %d steps, repeat it with @SimulationTest(seed = %dL) or -D%s=%d: %s"
                            .formatted(
                                    seed,
                                    simulation.time(),
                                    simulation.steps(),
                                    seed,
                                    SimulationTest.SEED,
                                    seed,
                                    cause),
                    cause);
        }
    }
}
