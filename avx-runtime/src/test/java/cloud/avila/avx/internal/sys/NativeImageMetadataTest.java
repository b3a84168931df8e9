package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.constantpool.Utf8Entry;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The foreign calls that GraalVM's native image has to know beforehand, made from the bindings of
 * Linux themselves. When it fails, put what it expects into the file.
 */
@EnabledOnOs(OS.LINUX)
class NativeImageMetadataTest {
    private static final String FILE =
            "/META-INF/native-image/cloud.avila.avx/avx-runtime/reachability-metadata.json";

    private static final List<String> BINDINGS =
            List.of(
                    LinuxLibc.class.getName(),
                    LinuxUring.class.getName(),
                    AddressWait.class.getName() + "$Futex");

    @Test
    void listsTheCallsOfTheBindings() throws Exception {
        var downcalls = new TreeSet<String>();
        for (String binding : BINDINGS) {
            Class<?> type = Class.forName(binding);
            collect(type, downcalls);
            for (Class<?> linkedLater : type.getDeclaredClasses()) {
                collect(linkedLater, downcalls);
            }
        }
        String expected =
                downcalls.stream()
                        .map(call -> "      " + call)
                        .collect(
                                Collectors.joining(
                                        ",\n",
                                        "{\n  \"foreign\": {\n    \"downcalls\": [\n",
                                        "\n    ]\n  }\n}\n"));
        assertEquals(expected, new String(read(FILE), StandardCharsets.UTF_8));
    }

    /** The handles are constants of the class, each bound to its function. */
    private static void collect(Class<?> binding, TreeSet<String> downcalls) throws Exception {
        Map<String, Integer> variadic = firstVariadicArguments(binding);
        var lookup = MethodHandles.privateLookupIn(binding, MethodHandles.lookup());
        boolean captures = binding != Class.forName(AddressWait.class.getName() + "$Futex");
        for (var field : binding.getDeclaredFields()) {
            if (field.getType() == MethodHandle.class) {
                var handle =
                        (MethodHandle)
                                lookup.findStaticVarHandle(
                                                binding, field.getName(), MethodHandle.class)
                                        .get();
                downcalls.add(
                        describe(
                                handle.type(),
                                captures,
                                variadic.getOrDefault(field.getName(), 0)));
            }
        }
    }

    private static String describe(MethodType type, boolean captures, int variadic) {
        var parameters = type.parameterList();
        String options = captures ? "\"captureCallState\": true" : "";
        if (variadic > 0) {
            options += (options.isEmpty() ? "" : ", ") + "\"firstVariadicArg\": " + variadic;
        }
        return "{ \"returnType\": \"%s\", \"parameterTypes\": [%s]%s }"
                .formatted(
                        name(type.returnType()),
                        parameters.subList(captures ? 1 : 0, parameters.size()).stream()
                                .map(parameter -> '"' + name(parameter) + '"')
                                .collect(Collectors.joining(", ")),
                        options.isEmpty() ? "" : ", \"options\": { " + options + " }");
    }

    private static String name(Class<?> type) {
        if (type == int.class) {
            return "jint";
        }
        if (type == long.class) {
            return "jlong";
        }
        if (type == MemorySegment.class) {
            return "void*";
        }
        throw new AssertionError("no name for " + type);
    }

    /** A handle does not tell where its variable arguments begin; the initialiser's code does. */
    private static Map<String, Integer> firstVariadicArguments(Class<?> binding) throws Exception {
        String name = binding.getName().replace('.', '/');
        ClassModel model = ClassFile.of().parse(read("/" + name + ".class"));
        @Nullable MethodModel initialiser =
                model.methods().stream()
                        .filter(method -> method.methodName().equalsString("<clinit>"))
                        .findFirst()
                        .orElse(null);
        if (initialiser == null) {
            return Map.of();
        }
        var found = new HashMap<String, Integer>();
        int lastConstant = 0;
        int pending = 0;
        for (var element : initialiser.code().orElseThrow()) {
            switch (element) {
                case ConstantInstruction c when c.constantValue() instanceof Integer i ->
                        lastConstant = i;
                case InvokeInstruction call when isVariadic(call.name()) -> pending = lastConstant;
                case FieldInstruction store when store.opcode().name().equals("PUTSTATIC") -> {
                    if (pending > 0) {
                        found.put(store.name().stringValue(), pending);
                        pending = 0;
                    }
                }
                default -> {}
            }
        }
        return found;
    }

    private static boolean isVariadic(Utf8Entry name) {
        return name.equalsString("firstVariadicArg");
    }

    private static byte[] read(String resource) throws Exception {
        try (InputStream in = LinuxLibc.class.getResourceAsStream(resource)) {
            assertNotNull(in, resource);
            return in.readAllBytes();
        }
    }
}
