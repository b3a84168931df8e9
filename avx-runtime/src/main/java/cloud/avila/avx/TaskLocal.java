package cloud.avila.avx;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.NoSuchElementException;
import java.util.Objects;

/**
 * A value that is bound for a block of code, and for every task started in it.
 *
 * <pre>{@code
 * static final TaskLocal<User> USER = TaskLocal.named("user");
 *
 * TaskLocal.where(USER, user).call(() -> {
 *     try (var scope = Scope.open(Scope.failFast())) {
 *         scope.spawn(() -> audit(USER.get()));
 *         ...
 *     }
 * });
 * }</pre>
 *
 * <p>The values bound where a task is started are bound while it runs, and while those run that it
 * starts: fibers, jobs, poll tasks, blocking tasks, members of scopes and join sets, and what the
 * executor views run. A binding never changes; a block inside may bind another value, and the end
 * of the block ends it. So there is nothing to clear, and no value stays on a thread.
 *
 * <p>This is what {@link ScopedValue} is for code that starts tasks: the JDK passes scoped values
 * on only to the threads of its own structured scopes. Bindings work on any thread. A task that
 * starts where nothing is bound pays nothing; where something is, one reference.
 *
 * @param <T> the type of the value, which is never null
 */
public final class TaskLocal<T> {
    /*
     * All bindings of a thread are one immutable array of keys and values, bound by one ScopedValue,
     * so that a task takes them along by one reference. everBound spares a spawn the look at that
     * before there is any task-local; it needs no order: a thread that has bindings bound them
     * itself, or got them from another by the start of a task.
     */

    private static final ScopedValue<Object[]> BINDINGS = ScopedValue.newInstance();
    private static boolean everBound;

    private final String name;

    private TaskLocal(String name) {
        this.name = name;
    }

    /**
     * Makes a key.
     *
     * @param name what to call it in messages
     * @param <T> the type of the value
     * @return a new key, different from all others
     */
    public static <T> TaskLocal<T> named(String name) {
        return new TaskLocal<>(Objects.requireNonNull(name, "name"));
    }

    /**
     * Starts a block in which a key has a value.
     *
     * @param key the key
     * @param value its value
     * @param <T> the type of the value
     * @return the bindings, to run code with
     */
    public static <T> Bindings where(TaskLocal<T> key, T value) {
        Object[] bound = current();
        return new Bindings(bound == null ? new Object[0] : bound).where(key, value);
    }

    /** Keys with their values, in addition to those bound already. Immutable. */
    public static final class Bindings {
        private final Object[] pairs;

        private Bindings(Object[] pairs) {
            this.pairs = pairs;
        }

        /**
         * Binds a further key.
         *
         * @param key the key
         * @param value its value
         * @param <T> the type of the value
         * @return more bindings
         */
        public <T> Bindings where(TaskLocal<T> key, T value) {
            Objects.requireNonNull(key, "key");
            Objects.requireNonNull(value, () -> key + " can not be bound to null");
            int i = indexOf(pairs, key);
            Object[] more = Arrays.copyOf(pairs, i < 0 ? pairs.length + 2 : pairs.length);
            int place = i < 0 ? pairs.length : i;
            more[place] = key;
            more[place + 1] = value;
            return new Bindings(more);
        }

        /**
         * Runs code with these bindings.
         *
         * @param code what to run, on the calling thread
         */
        public void run(Runnable code) {
            everBound = true;
            ScopedValue.where(BINDINGS, pairs).run(code);
        }

        /**
         * Runs code with these bindings.
         *
         * @param code what to run, on the calling thread
         * @param <R> what it returns
         * @param <X> what it throws
         * @return what it returned
         * @throws X what it threw
         */
        public <R extends @Nullable Object, X extends Throwable> R call(
                ScopedValue.CallableOp<? extends R, X> code) throws X {
            everBound = true;
            return ScopedValue.where(BINDINGS, pairs).call(code);
        }
    }

    /**
     * The value bound here.
     *
     * @return the value
     * @throws NoSuchElementException if the key is not bound
     */
    public T get() {
        T value = find();
        if (value == null) {
            throw new NoSuchElementException(
                    this
                            + " is not bound here; bind it by TaskLocal.where(key, value) around this"
                            + " code, or around the start of this task");
        }
        return value;
    }

    /**
     * The value bound here, or another.
     *
     * @param other what to return if the key is not bound
     * @return the value
     */
    public T orElse(T other) {
        T value = find();
        return value == null ? other : value;
    }

    /**
     * Whether the key is bound here.
     *
     * @return true if {@link #get()} returns
     */
    public boolean isBound() {
        return find() != null;
    }

    @SuppressWarnings("unchecked") // where puts a T behind the key
    private @Nullable T find() {
        Object[] pairs = current();
        if (pairs != null) {
            int i = indexOf(pairs, this);
            if (i >= 0) {
                return (T) pairs[i + 1];
            }
        }
        return null;
    }

    private static int indexOf(Object[] pairs, TaskLocal<?> key) {
        for (int i = 0; i < pairs.length; i += 2) {
            if (pairs[i] == key) {
                return i;
            }
        }
        return -1;
    }

    /** What is bound on the calling thread, to be passed to {@link #callWith}. */
    static Object @Nullable [] current() {
        return everBound && BINDINGS.isBound() ? BINDINGS.get() : null;
    }

    static <R extends @Nullable Object, X extends Throwable> R callWith(
            Object[] pairs, ScopedValue.CallableOp<? extends R, X> code) throws X {
        return ScopedValue.where(BINDINGS, pairs).call(code);
    }

    @Override
    public String toString() {
        return "TaskLocal[" + name + "]";
    }
}
