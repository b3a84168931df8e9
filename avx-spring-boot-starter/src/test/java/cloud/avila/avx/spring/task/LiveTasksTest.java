package cloud.avila.avx.spring.task;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

class LiveTasksTest {
    private static final class Some extends LiveTasks.Entry<Some> {}

    private final LiveTasks<Some> tasks = new LiveTasks<>();

    @RepeatedTest(20)
    void listsWhatWasAddedAndNotRemoved() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Set<Some> expected = new LinkedHashSet<>();
        for (int i = 0; i < 2_000; i++) {
            if (random.nextInt(100) < 45 && !expected.isEmpty()) {
                List<Some> some = new ArrayList<>(expected);
                Some one = some.get(random.nextInt(some.size()));
                expected.remove(one);
                tasks.remove(one);
                tasks.remove(one);
            } else {
                Some one = new Some();
                expected.add(one);
                tasks.add(one);
            }
            assertThat(tasks.isEmpty()).isEqualTo(expected.isEmpty());
        }
        assertThat(tasks.toList())
                .as("seed " + seed)
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void knowsNothingOfWhatWasNeverAdded() {
        tasks.remove(new Some());
        assertThat(tasks.isEmpty()).isTrue();
        assertThat(tasks.toList()).isEmpty();
    }

    @Test
    void isEmptyWhenEverybodyHasRemovedWhatOthersAdded() throws Exception {
        Queue<Some> added = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            boolean adds = t % 2 == 0;
            threads.add(
                    Thread.startVirtualThread(
                            () -> {
                                for (int i = 0; i < 50_000; ) {
                                    if (adds) {
                                        Some one = new Some();
                                        tasks.add(one);
                                        added.add(one);
                                        i++;
                                    } else {
                                        Some one = added.poll();
                                        if (one != null) {
                                            tasks.remove(one);
                                            i++;
                                        } else {
                                            Thread.yield();
                                        }
                                    }
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(tasks.isEmpty()).isTrue();
        assertThat(tasks.toList()).isEmpty();
    }
}
