package cloud.avila.avx.internal.scheduler;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The schedulers of this JVM that have not begun to close, for who comes without one. */
public final class OpenSchedulers {
    private static final Set<WorkStealingScheduler> OPEN = ConcurrentHashMap.newKeySet();

    private OpenSchedulers() {}

    static void opened(WorkStealingScheduler scheduler) {
        OPEN.add(scheduler);
    }

    static void closing(WorkStealingScheduler scheduler) {
        OPEN.remove(scheduler);
    }

    /**
     * Those that are open now.
     *
     * @return a snapshot, in no order
     */
    public static List<Scheduler> all() {
        return List.copyOf(OPEN);
    }
}
