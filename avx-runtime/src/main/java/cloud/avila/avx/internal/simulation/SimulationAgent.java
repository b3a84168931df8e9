package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.fiber.JdkHook;

import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Where the JVM starts the agent: {@code -javaagent:avx-runtime.jar}. */
public final class SimulationAgent {
    private SimulationAgent() {}

    /**
     * Opens {@code java.lang} to the runtime, defines the hook there, and has the calls rewritten
     * in the classes of the JDK that are loaded already, and in every class when it is loaded.
     *
     * @param argument not used
     * @param instrumentation the JVM's
     * @throws IllegalAccessException if the JVM does not let {@code java.lang} be opened
     * @throws UnmodifiableClassException if a class of the JDK must not be changed
     */
    public static void premain(String argument, Instrumentation instrumentation)
            throws IllegalAccessException, UnmodifiableClassException {
        instrumentation.redefineModule(
                Object.class.getModule(),
                Set.of(),
                Map.of(),
                Map.of("java.lang", Set.of(SimulationAgent.class.getModule())),
                Set.of(),
                Map.of());
        JdkHook.define();
        instrumentation.addTransformer(new CallRewriter(), true);
        List<Class<?>> loaded = new ArrayList<>();
        for (Class<?> type : instrumentation.getAllLoadedClasses()) {
            if (type.getClassLoader() == null
                    && CallRewriter.ofTheJdk(type.getName().replace('.', '/'))
                    && instrumentation.isModifiableClass(type)) {
                loaded.add(type);
            }
        }
        instrumentation.retransformClasses(loaded.toArray(new Class<?>[0]));
    }
}
