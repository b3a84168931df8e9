package cloud.avila.avx.task;

import org.jspecify.annotations.Nullable;

import java.util.function.Function;

/**
 * What a poll found: the value, or nothing yet.
 *
 * @param <T> the value's type
 */
public sealed interface Poll<T extends @Nullable Object> {
    /**
     * The future has its value.
     *
     * @param value the value
     * @param <T> its type
     */
    record Ready<T extends @Nullable Object>(T value) implements Poll<T> {
        static final Ready<@Nullable Object> NULL = new Ready<>(null);
    }

    /**
     * The future has no value yet and will wake its task. There is one instance.
     *
     * @param <T> the value's type
     */
    final class Pending<T extends @Nullable Object> implements Poll<T> {
        static final Pending<?> INSTANCE = new Pending<>();

        private Pending() {}

        @Override
        public String toString() {
            return "Pending";
        }
    }

    /**
     * The value is there.
     *
     * @param value the value
     * @param <T> its type
     * @return ready
     */
    @SuppressWarnings("unchecked") // the shared one holds no value of any type
    static <T extends @Nullable Object> Poll<T> ready(T value) {
        return value == null ? (Poll<T>) Ready.NULL : new Ready<>(value);
    }

    /**
     * The value is not there yet. Allocates nothing.
     *
     * @param <T> the value's type
     * @return pending
     */
    @SuppressWarnings("unchecked") // it holds no value of any type
    static <T extends @Nullable Object> Poll<T> pending() {
        return (Poll<T>) Pending.INSTANCE;
    }

    /**
     * Whether the value is there.
     *
     * @return true if ready
     */
    default boolean isReady() {
        return this != Pending.INSTANCE;
    }

    /**
     * Whether the value is not there yet.
     *
     * @return true if pending
     */
    default boolean isPending() {
        return this == Pending.INSTANCE;
    }

    /**
     * The value, changed, if it is there.
     *
     * @param function what makes the new value
     * @param <R> its type
     * @return ready with the new value, or pending
     */
    default <R extends @Nullable Object> Poll<R> map(Function<? super T, ? extends R> function) {
        return this instanceof Ready<T>(T value) ? ready(function.apply(value)) : pending();
    }
}
