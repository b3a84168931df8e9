package cloud.avila.avx.internal.fiber;

import static java.lang.classfile.ClassFile.ACC_FINAL;
import static java.lang.classfile.ClassFile.ACC_PUBLIC;
import static java.lang.classfile.ClassFile.ACC_STATIC;
import static java.lang.classfile.ClassFile.ACC_VOLATILE;
import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;
import java.util.function.LongBinaryOperator;

/**
 * A class of ours inside {@code java.lang}, which rewritten classes of the JDK and of the
 * application call instead of the clock, and through which they reach the simulation.
 *
 * <p>A class of the JDK sees only what the boot loader sees, and the simulation is not there. So
 * the class holds one operator, of a type that is there, and asks it if it is set: what is asked
 * for is the first argument. While it is not set the class does what the original call did.
 *
 * <p>Made by the simulation's agent, which opens {@code java.lang} for it.
 */
public final class JdkHook {
    /** Asks for {@link System#nanoTime()}. */
    public static final int NANO_TIME = 0;

    /** Asks for {@link System#currentTimeMillis()}. */
    public static final int CURRENT_TIME_MILLIS = 1;

    /** Asks for the nanoseconds of the present that a number of epoch seconds leaves over. */
    public static final int NANO_TIME_ADJUSTMENT = 2;

    /** Asks for the number that tells the calling thread from others, given its real one. */
    public static final int THREAD_NUMBER = 3;

    /** Tells that another thread might go on here. The answer means nothing. */
    public static final int SCHEDULING_POINT = 4;

    /** Tells that the calling thread spins until another one does something. */
    public static final int SPIN_WAIT = 5;

    /** Tells that the calling thread enters (1) or leaves (-1) a class initialiser. */
    public static final int INITIALISER = 6;

    /** The answer that lets the original call be made. */
    public static final long THE_REAL_THING = Long.MIN_VALUE;

    /** The class that is called. */
    public static final ClassDesc CLASS = ClassDesc.of("java.lang.AvxSimulationHook");

    private static final ClassDesc OPERATOR = ClassDesc.of(LongBinaryOperator.class.getName());
    private static final ClassDesc SYSTEM = ClassDesc.of("java.lang.System");
    private static final ClassDesc THREAD = ClassDesc.of("java.lang.Thread");
    private static final ClassDesc VM = ClassDesc.of("jdk.internal.misc.VM");
    private static final MethodTypeDesc TO_LONG = MethodTypeDesc.of(CD_long);
    private static final MethodTypeDesc LONG_TO_LONG = MethodTypeDesc.of(CD_long, CD_long);
    private static final MethodTypeDesc LONG_TO_VOID = MethodTypeDesc.ofDescriptor("(J)V");
    private static final MethodTypeDesc APPLY = MethodTypeDesc.of(CD_long, CD_long, CD_long);
    private static final MethodTypeDesc TO_VOID = MethodTypeDesc.ofDescriptor("()V");
    private static final String FIELD = "operator";

    private static volatile boolean defined;

    private static final class Installed {
        static final VarHandle OPERATOR_FIELD;

        static {
            try {
                Lookup lookup = MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup());
                OPERATOR_FIELD =
                        lookup.findStaticVarHandle(
                                lookup.findClass(CLASS.packageName() + "." + CLASS.displayName()),
                                FIELD,
                                LongBinaryOperator.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }
    }

    private JdkHook() {}

    /**
     * Defines the class. Called once, by the agent, before anything is rewritten.
     *
     * @throws IllegalAccessException if {@code java.lang} is not open
     */
    public static void define() throws IllegalAccessException {
        MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup()).defineClass(bytes());
        defined = true;
    }

    /**
     * Whether the class is there and classes are rewritten.
     *
     * @return true once the agent has started
     */
    public static boolean isDefined() {
        return defined;
    }

    /**
     * Sets who answers.
     *
     * @param operator given what is asked for and its argument, answers on the asking thread;
     *     called in the middle of the JDK's own code, so it must not block
     */
    public static void answerWith(LongBinaryOperator operator) {
        Installed.OPERATOR_FIELD.setVolatile(operator);
    }

    private static byte[] bytes() {
        return ClassFile.of()
                .build(
                        CLASS,
                        c -> {
                            c.withFlags(ACC_PUBLIC | ACC_FINAL);
                            c.withField(FIELD, OPERATOR, ACC_STATIC | ACC_VOLATILE);
                            method(c, "nanoTime", TO_LONG, JdkHook::nanoTime);
                            method(c, "currentTimeMillis", TO_LONG, JdkHook::currentTimeMillis);
                            method(c, "nanoTimeAdjustment", LONG_TO_LONG, JdkHook::adjustment);
                            method(c, "threadNumber", LONG_TO_LONG, JdkHook::threadNumber);
                            method(c, "schedulingPoint", TO_VOID, JdkHook::schedulingPoint);
                            method(c, "spinWait", TO_VOID, JdkHook::spinWait);
                            method(c, "initialiser", LONG_TO_VOID, JdkHook::initialiser);
                        });
    }

    private static void method(
            ClassBuilder c, String name, MethodTypeDesc type, Consumer<CodeBuilder> body) {
        c.withMethodBody(name, type, ACC_PUBLIC | ACC_STATIC, body);
    }

    private static void nanoTime(CodeBuilder b) {
        ask(
                b,
                NANO_TIME,
                CodeBuilder::lconst_0,
                plain -> plain.invokestatic(SYSTEM, "nanoTime", TO_LONG));
    }

    private static void currentTimeMillis(CodeBuilder b) {
        ask(
                b,
                CURRENT_TIME_MILLIS,
                CodeBuilder::lconst_0,
                plain -> plain.invokestatic(SYSTEM, "currentTimeMillis", TO_LONG));
    }

    private static void adjustment(CodeBuilder b) {
        ask(
                b,
                NANO_TIME_ADJUSTMENT,
                argument -> argument.lload(0),
                plain -> plain.lload(0).invokestatic(VM, "getNanoTimeAdjustment", LONG_TO_LONG));
    }

    private static void threadNumber(CodeBuilder b) {
        ask(b, THREAD_NUMBER, argument -> argument.lload(0), plain -> plain.lload(0));
    }

    private static void schedulingPoint(CodeBuilder b) {
        tell(b, SCHEDULING_POINT, plain -> {});
    }

    private static void spinWait(CodeBuilder b) {
        tell(b, SPIN_WAIT, plain -> plain.invokestatic(THREAD, "onSpinWait", TO_VOID));
    }

    private static void initialiser(CodeBuilder b) {
        var without = b.newLabel();
        b.getstatic(CLASS, FIELD, OPERATOR).ifnull(without);
        b.getstatic(CLASS, FIELD, OPERATOR).loadConstant((long) INITIALISER).lload(0);
        b.invokeinterface(OPERATOR, "applyAsLong", APPLY).pop2();
        b.labelBinding(without).return_();
    }

    private static void ask(
            CodeBuilder b, int what, Consumer<CodeBuilder> argument, Consumer<CodeBuilder> plain) {
        var without = b.newLabel();
        var real = b.newLabel();
        b.getstatic(CLASS, FIELD, OPERATOR).ifnull(without);
        b.getstatic(CLASS, FIELD, OPERATOR).loadConstant((long) what);
        argument.accept(b);
        b.invokeinterface(OPERATOR, "applyAsLong", APPLY);
        b.dup2().loadConstant(THE_REAL_THING).lcmp().ifeq(real).lreturn();
        b.labelBinding(real).pop2();
        b.labelBinding(without);
        plain.accept(b);
        b.lreturn();
    }

    private static void tell(CodeBuilder b, int what, Consumer<CodeBuilder> plain) {
        var without = b.newLabel();
        b.getstatic(CLASS, FIELD, OPERATOR).ifnull(without);
        b.getstatic(CLASS, FIELD, OPERATOR).loadConstant((long) what).lconst_0();
        b.invokeinterface(OPERATOR, "applyAsLong", APPLY).pop2().return_();
        b.labelBinding(without);
        plain.accept(b);
        b.return_();
    }
}
