package cloud.avila.avx.spring.task;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.env.Environment;
import org.springframework.core.task.TaskDecorator;
import org.springframework.core.task.support.CompositeTaskDecorator;
import org.springframework.core.task.support.ContextPropagatingTaskDecorator;
import org.springframework.util.ClassUtils;

import java.util.ArrayList;
import java.util.List;

/**
 * Lets contexts of the submitting thread reach tasks on AVX's executors: traces and whatever else
 * Micrometer's context propagation knows, and SLF4J's MDC. On if that library is there, unless
 * {@code spring.task.execution.propagate-context} says otherwise; Spring Boot's own default, for
 * its own executors, is off.
 */
final class ContextPropagation {
    private static final String PROPERTY = "spring.task.execution.propagate-context";

    private final Environment environment;
    private final ListableBeanFactory beans;
    private final @Nullable ClassLoader loader;

    ContextPropagation(Environment environment, ListableBeanFactory beans) {
        this.environment = environment;
        this.beans = beans;
        this.loader = getClass().getClassLoader();
    }

    void applyTo(AvxTaskExecutor executor) {
        boolean library = ClassUtils.isPresent("io.micrometer.context.ContextSnapshot", loader);
        if (!environment.getProperty(PROPERTY, Boolean.class, library)) {
            return;
        }
        List<TaskDecorator> inToOut = new ArrayList<>();
        if (ClassUtils.isPresent("org.slf4j.MDC", loader)) {
            inToOut.add(new MdcTaskDecorator());
        }
        // a bean of this type is among the decorators that the executor has already
        if (library
                && beans.getBeanNamesForType(ContextPropagatingTaskDecorator.class).length == 0) {
            inToOut.add(new ContextPropagatingTaskDecorator());
        }
        if (!inToOut.isEmpty()) {
            executor.setPropagation(new CompositeTaskDecorator(inToOut));
        }
    }
}
