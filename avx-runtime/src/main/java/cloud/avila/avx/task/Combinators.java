package cloud.avila.avx.task;

import cloud.avila.avx.internal.scheduler.Scheduler;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Futures made of others. Each drops the others that have not ended when it ends itself. */
final class Combinators {
    private Combinators() {}

    private static IllegalStateException ended() {
        return new IllegalStateException(
                "a future was polled after it had ended; poll it until it is ready or throws, and"
                        + " then no more");
    }

    static final class Map<T extends @Nullable Object, R extends @Nullable Object>
            implements Future<R>, AutoCloseable {
        private final Function<? super T, ? extends R> function;
        private @Nullable Future<T> source;

        Map(Future<T> source, Function<? super T, ? extends R> function) {
            this.source = source;
            this.function = Objects.requireNonNull(function, "function");
        }

        @Override
        public Poll<R> poll(Context cx) throws Exception {
            Future<T> polled = source;
            if (polled == null) {
                throw ended();
            }
            boolean goesOn = false;
            try {
                Poll<T> poll = polled.poll(cx);
                goesOn = poll.isPending();
                return goesOn ? Poll.pending() : poll.map(function);
            } finally {
                if (!goesOn) {
                    source = null;
                }
            }
        }

        @Override
        public void close() {
            Futures.drop(source);
            source = null;
        }
    }

    static final class AndThen<T extends @Nullable Object, R extends @Nullable Object>
            implements Future<R>, AutoCloseable {
        private final Function<? super T, ? extends Future<? extends R>> next;
        private @Nullable Future<T> first;
        private @Nullable Future<? extends R> second;

        AndThen(Future<T> first, Function<? super T, ? extends Future<? extends R>> next) {
            this.first = first;
            this.next = Objects.requireNonNull(next, "next");
        }

        @Override
        public Poll<R> poll(Context cx) throws Exception {
            boolean goesOn = false;
            try {
                Future<? extends R> polled = second;
                if (polled == null) {
                    if (first == null) {
                        throw ended();
                    }
                    if (!(first.poll(cx) instanceof Poll.Ready<T>(T value))) {
                        goesOn = true;
                        return Poll.pending();
                    }
                    first = null;
                    polled = Objects.requireNonNull(next.apply(value), "the next future");
                    second = polled;
                }
                if (polled.poll(cx) instanceof Poll.Ready<? extends R>(R value)) {
                    return Poll.ready(value);
                }
                goesOn = true;
                return Poll.pending();
            } finally {
                if (!goesOn) {
                    first = null;
                    second = null;
                }
            }
        }

        @Override
        public void close() {
            Futures.drop(first);
            Futures.drop(second);
            first = null;
            second = null;
        }
    }

    /** Both values; the one that came first is kept until the other comes. */
    static final class Join<
                    A extends @Nullable Object,
                    B extends @Nullable Object,
                    R extends @Nullable Object>
            implements Future<R>, AutoCloseable {
        private final Group<Object> group;
        private final BiFunction<? super A, ? super B, ? extends R> combine;

        Join(
                Future<? extends A> a,
                Future<? extends B> b,
                BiFunction<? super A, ? super B, ? extends R> combine) {
            this.group = new Group<>(List.of(a, b));
            this.combine = Objects.requireNonNull(combine, "combine");
        }

        @Override
        @SuppressWarnings({"unchecked", "NullAway"}) // null only where A and B admit it
        public Poll<R> poll(Context cx) throws Exception {
            return group.pollAll(cx)
                    ? Poll.ready(combine.apply((A) group.values.get(0), (B) group.values.get(1)))
                    : Poll.pending();
        }

        @Override
        public void close() {
            group.drop();
        }
    }

    static final class JoinList<T extends @Nullable Object>
            implements Future<List<T>>, AutoCloseable {
        private final Group<T> group;

        JoinList(List<? extends Future<? extends T>> futures) {
            this.group = new Group<>(futures);
        }

        @Override
        @SuppressWarnings({"unchecked", "NullAway"}) // null only where T admits it
        public Poll<List<T>> poll(Context cx) throws Exception {
            return group.pollAll(cx)
                    ? Poll.ready((List<T>) Collections.unmodifiableList(group.values))
                    : Poll.pending();
        }

        @Override
        public void close() {
            group.drop();
        }
    }

    static final class Select<T extends @Nullable Object>
            implements Future<Selected<T>>, AutoCloseable {
        private static final int UNDECIDED = -1;

        private final Group<T> group;
        private final boolean fair;
        private int start;

        Select(List<? extends Future<? extends T>> futures, boolean fair) {
            if (futures.isEmpty()) {
                throw new IllegalArgumentException(
                        "select of no futures would never be ready; give it at least one");
            }
            this.group = new Group<>(futures);
            this.start = fair ? UNDECIDED : 0;
            this.fair = fair;
        }

        @Override
        @SuppressWarnings("NullAway") // null only where T admits it
        public Poll<Selected<T>> poll(Context cx) throws Exception {
            int n = group.size();
            if (start == UNDECIDED) {
                start = firstStart(n);
            } else if (fair) {
                start = start + 1 < n ? start + 1 : 0;
            }
            int index = group.pollAny(cx, start);
            if (index < 0) {
                return Poll.pending();
            }
            group.drop();
            return Poll.ready(new Selected<>(index, group.values.get(index)));
        }

        /** Drawn from the runtime's task numbers, so that a simulation draws the same again. */
        private static int firstStart(int n) {
            Scheduler scheduler = Scheduler.current();
            long mixed = (scheduler == null ? 0 : scheduler.nextId()) * 0x9E3779B97F4A7C15L;
            return (int) ((mixed >>> 33) % n);
        }

        @Override
        public void close() {
            group.drop();
        }
    }

    /** Futures that are polled together, and the values of those that have one. */
    private static final class Group<T extends @Nullable Object> {
        final ArrayList<@Nullable T> values;
        private final ArrayList<@Nullable Future<? extends T>> futures;
        private int waiting;

        Group(List<? extends Future<? extends T>> futures) {
            this.futures = new ArrayList<>(futures);
            this.waiting = this.futures.size();
            this.values = new ArrayList<>(waiting);
            for (Future<? extends T> future : futures) {
                Objects.requireNonNull(future, "future");
                values.add(null);
            }
        }

        int size() {
            return futures.size();
        }

        boolean pollAll(Context cx) throws Exception {
            if (waiting < 0) {
                throw ended();
            }
            for (int i = 0; i < futures.size(); i++) {
                Future<? extends T> future = futures.get(i);
                if (future != null) {
                    poll(cx, i, future);
                }
            }
            if (waiting > 0) {
                return false;
            }
            waiting = -1;
            return true;
        }

        /** The first that is ready, or -1. */
        int pollAny(Context cx, int start) throws Exception {
            if (waiting < 0) {
                throw ended();
            }
            int n = futures.size();
            for (int i = 0; i < n; i++) {
                int index = start + i < n ? start + i : start + i - n;
                if (poll(cx, index, Objects.requireNonNull(futures.get(index)))) {
                    return index;
                }
            }
            return -1;
        }

        private boolean poll(Context cx, int index, Future<? extends T> future) throws Exception {
            Poll<? extends T> poll;
            boolean threw = true;
            try {
                poll = future.poll(cx);
                threw = false;
            } finally {
                if (threw) {
                    futures.set(index, null);
                    drop();
                }
            }
            if (poll instanceof Poll.Ready<? extends T>(T value)) {
                futures.set(index, null);
                values.set(index, value);
                waiting--;
                return true;
            }
            return false;
        }

        void drop() {
            waiting = -1;
            for (int i = 0; i < futures.size(); i++) {
                Futures.drop(futures.get(i));
                futures.set(i, null);
            }
        }
    }
}
