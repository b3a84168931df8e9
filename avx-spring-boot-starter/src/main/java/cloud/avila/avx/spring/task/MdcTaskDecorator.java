package cloud.avila.avx.spring.task;

import org.slf4j.MDC;
import org.springframework.core.task.TaskDecorator;

import java.util.HashMap;
import java.util.Map;

/** Lets a task log with the submitter's MDC beside what is in its own, which comes back after. */
final class MdcTaskDecorator implements TaskDecorator {
    @Override
    public Runnable decorate(Runnable task) {
        Map<String, String> submitters = MDC.getCopyOfContextMap();
        return submitters == null || submitters.isEmpty()
                ? task
                : () -> {
                    Map<String, String> own = MDC.getCopyOfContextMap();
                    Map<String, String> merged = new HashMap<>(own == null ? Map.of() : own);
                    merged.putAll(submitters);
                    MDC.setContextMap(merged);
                    try {
                        task.run();
                    } finally {
                        if (own == null) {
                            MDC.clear();
                        } else {
                            MDC.setContextMap(own);
                        }
                    }
                };
    }
}
