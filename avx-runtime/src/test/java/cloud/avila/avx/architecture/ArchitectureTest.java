package cloud.avila.avx.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import static java.util.Map.entry;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.domain.properties.HasModifiers;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;

import org.jspecify.annotations.NullMarked;

import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.AccessibleObject;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

@AnalyzeClasses(packages = "cloud.avila.avx", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String ROOT = "cloud.avila.avx";

    /**
     * The map of the house: package, and the packages of ours it may use, lowest first. A new
     * package has to be put here.
     */
    private static final Map<String, Set<String>> MAY_USE =
            Map.ofEntries(
                    entry("internal.log", Set.of()),
                    entry("internal.sys", Set.of()),
                    entry("internal.fiber", Set.of()),
                    entry("internal.park", Set.of("internal.sys")),
                    entry("metrics", Set.of()),
                    entry("internal.timer", Set.of("internal.log", "internal.park")),
                    entry(
                            "internal.reactor",
                            Set.of(
                                    "internal.log",
                                    "internal.sys",
                                    "internal.park",
                                    "internal.fiber",
                                    "metrics")),
                    entry(
                            "internal.scheduler",
                            Set.of(
                                    "internal.log",
                                    "internal.sys",
                                    "internal.park",
                                    "internal.fiber",
                                    "internal.timer",
                                    "internal.reactor",
                                    "metrics")),
                    entry(
                            "task",
                            Set.of(
                                    "internal.log",
                                    "internal.scheduler",
                                    "internal.timer",
                                    "internal.park")),
                    entry(
                            "internal.simulation",
                            Set.of(
                                    "internal.sys",
                                    "internal.park",
                                    "internal.fiber",
                                    "internal.timer",
                                    "internal.reactor",
                                    "internal.scheduler",
                                    "metrics")),
                    entry(
                            "simulation",
                            Set.of(
                                    "internal.park",
                                    "internal.fiber",
                                    "internal.scheduler",
                                    "internal.simulation",
                                    "")),
                    entry(
                            "",
                            Set.of(
                                    "task",
                                    "internal.log",
                                    "internal.scheduler",
                                    "internal.park",
                                    "internal.fiber",
                                    "internal.timer",
                                    "internal.reactor",
                                    "metrics")),
                    entry("atomic", Set.of("internal.park", "")),
                    entry("sync", Set.of("internal.park", "atomic", "metrics", "")),
                    entry(
                            "channel",
                            Set.of("internal.log", "internal.park", "task", "atomic", "sync", "")),
                    entry(
                            "time",
                            Set.of("internal.scheduler", "internal.timer", "internal.park", "")),
                    entry(
                            "net",
                            Set.of("internal.reactor", "internal.scheduler", "internal.park", "")));

    @ArchTest
    static final ArchRule packagesUseOnlyWhatTheMapAllows =
            classes()
                    .should(
                            new ArchCondition<>("use only the packages that the map allows") {
                                @Override
                                public void check(JavaClass type, ConditionEvents events) {
                                    checkAgainstMap(type, events);
                                }
                            });

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule onlySysCallsNativeCode =
            noClasses()
                    .that()
                    .resideOutsideOfPackage(ROOT + ".internal.sys")
                    .should()
                    .dependOnClassesThat(belongToAnyOf(Linker.class))
                    .because("native calls live in internal.sys");

    @ArchTest
    static final ArchRule onlyParkPutsThreadsToSleep =
            noClasses()
                    .that()
                    .resideOutsideOfPackage(ROOT + ".internal.park")
                    .should()
                    .dependOnClassesThat(belongToAnyOf(LockSupport.class))
                    .because("internal.park is the one seam where a thread blocks and is woken");

    @ArchTest
    static final ArchRule onlyFiberReachesIntoTheJdk =
            noClasses()
                    .that()
                    .resideOutsideOfPackage(ROOT + ".internal.fiber")
                    .should()
                    .dependOnClassesThat(
                            resideInAnyPackage("sun..", "jdk.internal..", "com.sun..")
                                    .as("are internal to the JDK"))
                    .orShould()
                    .callMethodWhere(
                            describe(
                                    "a member is looked up or opened by name",
                                    call ->
                                            isOneOf(
                                                    call.getTarget().getOwner(),
                                                    call.getTarget().getName())))
                    .because("what an update of the JDK may break lives in internal.fiber");

    @ArchTest
    static final ArchRule publicTypesShowOnlyPublicTypes =
            classes()
                    .that(
                            describe(
                                    "are exported",
                                    type ->
                                            isVisible(type)
                                                    && ModuleDescriptorTest.exportedPackages()
                                                            .contains(type.getPackageName())))
                    .should(
                            new ArchCondition<>("show only types of exported packages") {
                                @Override
                                public void check(JavaClass type, ConditionEvents events) {
                                    checkShownTypes(type, events);
                                }
                            });

    @ArchTest
    static final ArchRule packagesAreDescribedAndNullMarked =
            classes()
                    .should(
                            new ArchCondition<>("have a package-info that is @NullMarked") {
                                @Override
                                public void check(JavaClass type, ConditionEvents events) {
                                    if (!type.getPackage().isAnnotatedWith(NullMarked.class)) {
                                        report(events, type, "no @NullMarked package-info");
                                    }
                                }
                            });

    @ArchTest static final ArchRule nothingPrints = NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;

    @ArchTest
    static final ArchRule nothingPrintsThroughIo =
            noClasses().should().dependOnClassesThat(belongToAnyOf(IO.class));

    private static void checkAgainstMap(JavaClass type, ConditionEvents events) {
        var allowed = MAY_USE.get(room(type));
        if (allowed == null) {
            report(events, type, "its package is not on the map: add it to MAY_USE");
            return;
        }
        type.getDirectDependenciesFromSelf().stream()
                .filter(d -> isOurs(d.getTargetClass()))
                .filter(d -> !room(d.getTargetClass()).equals(room(type)))
                .filter(d -> !allowed.contains(room(d.getTargetClass())))
                .forEach(d -> report(events, type, d.getDescription()));
    }

    private static void checkShownTypes(JavaClass type, ConditionEvents events) {
        var exported = ModuleDescriptorTest.exportedPackages();
        shownTypes(type)
                .filter(ArchitectureTest::isOurs)
                .distinct()
                .filter(shown -> !isVisible(shown) || !exported.contains(shown.getPackageName()))
                .forEach(
                        shown ->
                                report(events, type, "shows " + shown.getName() + " to its users"));
    }

    private static Stream<JavaClass> shownTypes(JavaClass type) {
        var parents =
                Stream.concat(type.getSuperclass().stream(), type.getInterfaces().stream())
                        .map(JavaType::getAllInvolvedRawTypes);
        var members =
                type.getMembers().stream()
                        .filter(ArchitectureTest::isShown)
                        .flatMap(
                                member ->
                                        Stream.concat(
                                                Stream.of(member.getAllInvolvedRawTypes()),
                                                thrown(member)));
        return Stream.concat(parents, members)
                .flatMap(Set::stream)
                .map(JavaClass::getBaseComponentType);
    }

    private static Stream<Set<JavaClass>> thrown(JavaMember member) {
        return member instanceof JavaCodeUnit code
                ? code.getExceptionTypes().stream().map(Set::of)
                : Stream.of();
    }

    private static boolean isVisible(JavaClass type) {
        return isShown(type)
                && type.getEnclosingClass().map(ArchitectureTest::isVisible).orElse(true);
    }

    private static boolean isShown(HasModifiers item) {
        return item.getModifiers().contains(JavaModifier.PUBLIC)
                || item.getModifiers().contains(JavaModifier.PROTECTED);
    }

    private static boolean isOneOf(JavaClass owner, String method) {
        return owner.isEquivalentTo(MethodHandles.class) && method.equals("privateLookupIn")
                || owner.isEquivalentTo(Class.class) && method.equals("forName")
                || owner.isAssignableTo(AccessibleObject.class)
                        && Set.of("setAccessible", "trySetAccessible").contains(method);
    }

    private static boolean isOurs(JavaClass type) {
        return type.getPackageName().equals(ROOT) || type.getPackageName().startsWith(ROOT + ".");
    }

    private static String room(JavaClass type) {
        return type.getPackageName().equals(ROOT)
                ? ""
                : type.getPackageName().substring(ROOT.length() + 1);
    }

    private static void report(ConditionEvents events, JavaClass type, String what) {
        events.add(SimpleConditionEvent.violated(type, type.getName() + ": " + what));
    }
}
