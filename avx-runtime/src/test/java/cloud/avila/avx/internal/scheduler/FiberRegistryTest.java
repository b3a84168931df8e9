package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

class FiberRegistryTest {
    private static FiberRegistry registryFor(int workers) {
        var registry = new FiberRegistry();
        registry.grow(workers);
        return registry;
    }

    private static Set<TrackedTask> listed(FiberRegistry registry) {
        var found = new HashSet<TrackedTask>();
        registry.forEach(found::add);
        return found;
    }

    @Test
    void listsExactlyTheLiveTasks() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var registry = registryFor(2);
        List<TrackedTask> live = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            if (live.isEmpty() || random.nextInt(100) < 52) {
                var task = new DummyTask();
                registry.add(task, random.nextInt(3) - 1);
                live.add(task);
            } else {
                registry.remove(live.remove(random.nextInt(live.size())));
            }
            if (i % 1_000 == 0) {
                assertEquals(new HashSet<>(live), listed(registry), "seed " + seed);
            }
        }
        assertEquals(new HashSet<>(live), listed(registry), "seed " + seed);
    }

    @Test
    void nothingStaysBehindWhenOthersRemoveWhileTheOwnerGrows() throws Exception {
        for (int round = 0; round < 20; round++) {
            var registry = registryFor(1);
            BlockingQueue<TrackedTask> handed = new ArrayBlockingQueue<>(100_000);
            int tasks = 30_000;
            List<Thread> enders = new ArrayList<>();
            for (int t = 0; t < 2; t++) {
                Thread ender =
                        new Thread(
                                () -> {
                                    try {
                                        for (int i = 0; i < tasks / 2; i++) {
                                            registry.remove(handed.take());
                                        }
                                    } catch (InterruptedException e) {
                                        throw new AssertionError(e);
                                    }
                                });
                ender.start();
                enders.add(ender);
            }
            for (int i = 0; i < tasks; i++) {
                var task = new DummyTask();
                registry.add(task, i % 7 == 0 ? -1 : 0);
                handed.put(task);
            }
            for (Thread ender : enders) {
                ender.join();
            }
            assertEquals(Set.of(), listed(registry));
        }
    }
}
