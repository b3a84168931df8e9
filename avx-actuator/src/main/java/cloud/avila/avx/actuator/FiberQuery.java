package cloud.avila.avx.actuator;

import cloud.avila.avx.metrics.FiberDump;
import cloud.avila.avx.metrics.TaskState;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The parameters of a request for a dump, as they came. */
final class FiberQuery {
    private static final int MAX_TASKS = 10_000;
    private static final int MAX_STACKS = 1_000;
    private static final int MAX_DEPTH = 256;

    private FiberQuery() {}

    /**
     * What to list.
     *
     * @throws BadRequestException if a parameter makes no sense
     */
    static FiberDump.Options options(
            @Nullable String name,
            @Nullable String states,
            @Nullable String limit,
            @Nullable String stacks,
            @Nullable String depth) {
        FiberDump.Options options = FiberDump.Options.defaults();
        if (name != null) {
            options = options.withNameContaining(name);
        }
        if (states != null && !states.isBlank()) {
            TaskState[] wanted =
                    Arrays.stream(states.split(",", -1))
                            .map(FiberQuery::state)
                            .toArray(TaskState[]::new);
            options = options.withStates(wanted[0], wanted);
        }
        return options.withMaxTasks(number("limit", limit, options.maxTasks(), MAX_TASKS))
                .withMaxStacks(number("stacks", stacks, options.maxStacks(), MAX_STACKS))
                .withStackDepth(number("depth", depth, options.stackDepth(), MAX_DEPTH));
    }

    private static TaskState state(String text) {
        String name = text.strip().toUpperCase(Locale.ROOT).replace('-', '_').replace(' ', '_');
        for (TaskState state : TaskState.values()) {
            if (state.name().equals(name)) {
                return state;
            }
        }
        throw new BadRequestException(
                "state: \""
                        + text
                        + "\" is none of "
                        + Arrays.stream(TaskState.values())
                                .map(AvxDescription::lowerCase)
                                .collect(Collectors.joining(", ")));
    }

    private static int number(String name, @Nullable String text, int byDefault, int most) {
        if (text == null || text.isBlank()) {
            return byDefault;
        }
        return BadRequestException.number(name, text, 0, most);
    }
}
