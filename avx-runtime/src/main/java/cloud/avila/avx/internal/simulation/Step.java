package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.timer.Timer;
import cloud.avila.avx.internal.timer.TimerQueue;

/** Something that can go on: what the simulation chooses among. */
abstract class Step {
    final String name;
    final Host host;
    long priority;

    Step(String name, Host host, long priority) {
        this.name = name;
        this.host = host;
        this.priority = priority;
    }

    /** Who set a timer. */
    record Origin(String name, Host host) {}

    /** What the trace calls it. */
    abstract String what();

    abstract void run();

    /** A job, or a step of a poll task. */
    static final class Plain extends Step {
        private final String what;
        private final Runnable body;

        Plain(String what, Runnable body, String name, Host host, long priority) {
            super(name, host, priority);
            this.what = what;
            this.body = body;
        }

        @Override
        String what() {
            return what;
        }

        @Override
        void run() {
            body.run();
        }
    }

    /** A timer that is due. */
    static final class Due extends Step {
        private final TimerQueue<Origin> timers;
        private final Timer timer;

        Due(TimerQueue<Origin> timers, TimerQueue.Entry<Origin> due, long priority) {
            super(due.tag().name, due.tag().host, priority);
            this.timers = timers;
            this.timer = due.timer();
        }

        @Override
        String what() {
            return "timer";
        }

        @Override
        void run() {
            timers.fire(timer);
        }
    }
}
