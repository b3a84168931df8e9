package cloud.avila.avx.internal.simulation;

import static java.lang.constant.ConstantDescs.CD_double;

import cloud.avila.avx.internal.fiber.JdkHook;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicCallSiteDesc;
import java.lang.constant.MethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.instrument.ClassFileTransformer;
import java.lang.reflect.AccessFlag;
import java.security.ProtectionDomain;
import java.util.HashSet;
import java.util.Set;

/**
 * Rewrites the calls by which code learns the time, and, in classes that are not the JDK's, marks
 * the places where it matters which thread goes on: before each use of an atomic, a lock or another
 * class of {@code java.util.concurrent}, of a volatile field of the class, before a monitor is
 * entered, and after another thread was woken.
 *
 * <p>Nothing changes for threads that belong to no simulation.
 */
final class CallRewriter implements ClassFileTransformer {
    private static final System.Logger LOG = System.getLogger(CallRewriter.class.getName());

    private static final MethodTypeDesc TO_LONG = MethodTypeDesc.ofDescriptor("()J");
    private static final MethodTypeDesc LONG_TO_LONG = MethodTypeDesc.ofDescriptor("(J)J");
    private static final MethodTypeDesc LONG_TO_VOID = MethodTypeDesc.ofDescriptor("(J)V");
    private static final MethodTypeDesc TO_VOID = MethodTypeDesc.ofDescriptor("()V");
    private static final ClassDesc RANDOM = ClassDesc.of("java.util.concurrent.ThreadLocalRandom");
    private static final String SYSTEM = "java/lang/System";
    private static final Set<String> TIMES = Set.of("nanoTime", "currentTimeMillis");
    private static final Set<String> UNTOUCHED =
            Set.of(
                    "cloud/avila/avx/internal/simulation/",
                    "cloud/avila/avx/internal/fiber/",
                    "cloud/avila/avx/internal/log/");

    private final ThreadLocal<@Nullable Boolean> rewriting = new ThreadLocal<>();

    @Override
    public byte @Nullable [] transform(
            @Nullable Module module,
            @Nullable ClassLoader loader,
            @Nullable String name,
            @Nullable Class<?> redefined,
            @Nullable ProtectionDomain domain,
            byte[] bytes) {
        if (name == null
                || loader == null && !ofTheJdk(name)
                || loader == ClassLoader.getPlatformClassLoader()
                || UNTOUCHED.stream().anyMatch(name::startsWith)
                || rewriting.get() != null) {
            return null;
        }
        rewriting.set(true); // the rewriting itself may load classes
        try {
            return rewrite(loader, bytes);
        } catch (RuntimeException | LinkageError e) {
            LOG.log(
                    Level.WARNING,
                    "class "
                            + name.replace('/', '.')
                            + " could not be prepared for simulation: it sees the real time",
                    e);
            return null;
        } finally {
            rewriting.remove();
        }
    }

    /** Whether a class of the boot loader is rewritten: those that wait for a time. */
    static boolean ofTheJdk(String name) {
        return name.startsWith("java/util/concurrent/")
                || name.startsWith("java/time/")
                || name.equals("java/lang/VirtualThread")
                || name.equals("java/util/Date")
                || name.equals("java/util/Calendar");
    }

    private static byte @Nullable [] rewrite(@Nullable ClassLoader loader, byte[] bytes) {
        var resolver = ClassHierarchyResolver.defaultResolver();
        if (loader != null) {
            resolver = ClassHierarchyResolver.ofResourceParsing(loader).orElse(resolver);
        }
        ClassFile classFile =
                ClassFile.of(
                        StackMapsOption.STACK_MAPS_WHEN_REQUIRED,
                        ClassFile.ClassHierarchyResolverOption.of(resolver));
        ClassModel model = classFile.parse(bytes);
        Calls calls;
        Calls inInitialiser;
        if (loader == null) {
            calls = new Calls(model.thisClass().asSymbol().equals(RANDOM));
            inInitialiser = calls;
        } else {
            Set<String> volatileFields = volatileFields(model);
            calls = new Places(volatileFields);
            inInitialiser = new Initialiser(volatileFields);
        }
        byte[] rewritten =
                classFile.transformClass(
                        model,
                        (builder, element) -> {
                            if (element instanceof MethodModel method) {
                                boolean initialiser = method.methodName().equalsString("<clinit>");
                                builder.transformMethod(
                                        method,
                                        MethodTransform.transformingCode(
                                                initialiser ? inInitialiser : calls));
                            } else {
                                builder.with(element);
                            }
                        });
        return calls.found || inInitialiser.found ? rewritten : null;
    }

    private static Set<String> volatileFields(ClassModel model) {
        Set<String> names = new HashSet<>();
        for (FieldModel field : model.fields()) {
            if (field.flags().has(AccessFlag.VOLATILE)) {
                names.add(
                        model.thisClass().asInternalName() + '.' + field.fieldName().stringValue());
            }
        }
        return names;
    }

    /** What is done to the JDK's classes. */
    private static class Calls implements CodeTransform {
        private final boolean random;
        boolean found;

        Calls(boolean random) {
            this.random = random;
        }

        @Override
        public void accept(CodeBuilder builder, CodeElement element) {
            if (element instanceof InvokeInstruction call) {
                call(builder, call);
            } else {
                builder.with(element);
            }
        }

        void call(CodeBuilder builder, InvokeInstruction call) {
            String owner = call.owner().asInternalName();
            String name = call.name().stringValue();
            if (owner.equals(SYSTEM) && TIMES.contains(name)) {
                found = true;
                builder.invokestatic(JdkHook.CLASS, name, TO_LONG);
            } else if (owner.equals("jdk/internal/misc/VM")
                    && name.equals("getNanoTimeAdjustment")) {
                found = true;
                builder.invokestatic(JdkHook.CLASS, "nanoTimeAdjustment", LONG_TO_LONG);
            } else {
                other(builder, call, owner, name);
            }
        }

        void other(CodeBuilder builder, InvokeInstruction call, String owner, String name) {
            builder.with(call);
            if (random && owner.equals("java/lang/Thread") && name.equals("threadId")) {
                found = true; // it is mixed into the random numbers
                builder.invokestatic(JdkHook.CLASS, "threadNumber", LONG_TO_LONG);
            } else if (owner.equals("java/util/concurrent/locks/LockSupport")
                    && name.equals("unpark")) {
                point(builder);
            }
        }

        final void point(CodeBuilder builder) {
            found = true;
            builder.invokestatic(JdkHook.CLASS, "schedulingPoint", TO_VOID);
        }
    }

    /** What is done to all other classes. */
    private static class Places extends Calls {
        private final Set<String> volatileFields;

        Places(Set<String> volatileFields) {
            super(false);
            this.volatileFields = volatileFields;
        }

        @Override
        public void accept(CodeBuilder builder, CodeElement element) {
            switch (element) {
                case InvokeInstruction call -> call(builder, call);
                case InvokeDynamicInstruction lambda -> lambda(builder, lambda);
                case FieldInstruction field -> {
                    if (volatileFields.contains(
                            field.owner().asInternalName() + '.' + field.name().stringValue())) {
                        point(builder);
                    }
                    builder.with(field);
                }
                case MonitorInstruction monitor -> {
                    if (monitor.opcode() == Opcode.MONITORENTER) {
                        point(builder);
                    }
                    builder.with(monitor);
                }
                default -> builder.with(element);
            }
        }

        @Override
        void other(CodeBuilder builder, InvokeInstruction call, String owner, String name) {
            if (owner.equals("java/lang/Thread") && name.equals("onSpinWait")) {
                found = true;
                builder.invokestatic(JdkHook.CLASS, "spinWait", TO_VOID);
            } else if (owner.equals("java/lang/Math") && name.equals("random")) {
                found = true;
                builder.invokestatic(RANDOM, "current", MethodTypeDesc.of(RANDOM))
                        .invokevirtual(RANDOM, "nextDouble", MethodTypeDesc.of(CD_double));
            } else if (owner.equals("java/util/concurrent/locks/LockSupport")
                    && name.equals("unpark")) {
                builder.with(call);
                point(builder);
            } else {
                if (isShared(owner, name)) {
                    point(builder);
                }
                builder.with(call);
            }
        }

        /** Constructors are left out: before them an object has no identity to yield with. */
        private static boolean isShared(String owner, String name) {
            return !name.equals("<init>")
                    && (owner.startsWith("java/util/concurrent/")
                            || owner.equals("java/lang/invoke/VarHandle"));
        }

        /** A method reference to the time is a constant of the call that makes the lambda. */
        private void lambda(CodeBuilder builder, InvokeDynamicInstruction lambda) {
            ConstantDesc[] arguments = lambda.bootstrapArgs().toArray(new ConstantDesc[0]);
            boolean changed = false;
            for (int i = 0; i < arguments.length; i++) {
                if (arguments[i] instanceof DirectMethodHandleDesc method
                        && method.owner().descriptorString().equals("Ljava/lang/System;")
                        && TIMES.contains(method.methodName())) {
                    arguments[i] =
                            MethodHandleDesc.ofMethod(
                                    DirectMethodHandleDesc.Kind.STATIC,
                                    JdkHook.CLASS,
                                    method.methodName(),
                                    TO_LONG);
                    changed = true;
                }
            }
            if (changed) {
                found = true;
                builder.invokedynamic(
                        DynamicCallSiteDesc.of(
                                lambda.bootstrapMethod(),
                                lambda.name().stringValue(),
                                lambda.typeSymbol(),
                                arguments));
            } else {
                builder.with(lambda);
            }
        }
    }

    /**
     * Tells when a class initialiser begins and ends: in between its fiber must not give way, since
     * the initialiser runs only with the first of many seeds.
     */
    private static final class Initialiser extends Places {
        Initialiser(Set<String> volatileFields) {
            super(volatileFields);
        }

        @Override
        public void atStart(CodeBuilder builder) {
            tell(builder, 1);
        }

        @Override
        public void accept(CodeBuilder builder, CodeElement element) {
            if (element instanceof ReturnInstruction) {
                tell(builder, -1);
            }
            super.accept(builder, element);
        }

        private void tell(CodeBuilder builder, long change) {
            found = true;
            builder.loadConstant(change).invokestatic(JdkHook.CLASS, "initialiser", LONG_TO_VOID);
        }
    }
}
