package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.sync.Barrier;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.sync.Notify;
import cloud.avila.avx.sync.RwLock;
import cloud.avila.avx.sync.Semaphore;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** The locks and signals of a contestant of the group {@code sync}. */
interface Toolkit {
    /** A lock. */
    Lock mutex();

    /** A read-write lock. */
    ReadWriteLock readWriteLock();

    /** A semaphore with so many permits. */
    Permits semaphore(int permits);

    /** What wakes those who wait for it. */
    Bell bell();

    /** What so many threads meet at. */
    Meeting barrier(int parties);

    /** A semaphore. */
    interface Permits {
        /** Takes a permit. */
        void acquire() throws InterruptedException;

        /** Gives it back. */
        void release();
    }

    /** What wakes those who wait for it. */
    interface Bell {
        /** Waits until woken. */
        void await() throws InterruptedException;

        /** Wakes one. */
        void ringForOne();

        /** Wakes all. */
        void ringForAll();
    }

    /** A barrier. */
    @FunctionalInterface
    interface Meeting {
        /** Waits for the others. */
        void await() throws InterruptedException, BrokenBarrierException;
    }

    /**
     * The toolkit of a contestant.
     *
     * @param contestant {@code avx}, or {@code jdk-virtual} or {@code juc-fibers} for that of
     *     {@code java.util.concurrent}
     * @throws IllegalArgumentException if there is none of that name
     */
    static Toolkit of(String contestant) {
        return switch (contestant) {
            case "avx" -> new Avx();
            case "jdk-virtual", "juc-fibers" -> new Juc();
            default -> throw new IllegalArgumentException("no locks of " + contestant);
        };
    }

    /** What runs the fibers around the contestant's locks. */
    static Contestant openFibers(String contestant, int workers) {
        String fibers = contestant.equals("juc-fibers") ? "avx" : contestant;
        return Contestant.open(fibers, Contestant.Kind.FIBER, workers);
    }

    /** That of AVX. */
    final class Avx implements Toolkit {
        @Override
        public Lock mutex() {
            return new Mutex();
        }

        @Override
        public ReadWriteLock readWriteLock() {
            return new RwLock();
        }

        @Override
        public Permits semaphore(int permits) {
            var semaphore = new Semaphore(permits);
            return new Permits() {
                @Override
                public void acquire() throws InterruptedException {
                    semaphore.acquire();
                }

                @Override
                public void release() {
                    semaphore.release();
                }
            };
        }

        @Override
        public Bell bell() {
            var notify = new Notify();
            return new Bell() {
                @Override
                public void await() throws InterruptedException {
                    notify.await();
                }

                @Override
                public void ringForOne() {
                    notify.notifyOne();
                }

                @Override
                public void ringForAll() {
                    notify.notifyWaiters();
                }
            };
        }

        @Override
        public Meeting barrier(int parties) {
            return new Barrier(parties)::await;
        }
    }

    /** That of {@code java.util.concurrent}. */
    final class Juc implements Toolkit {
        @Override
        public Lock mutex() {
            return new ReentrantLock();
        }

        @Override
        public ReadWriteLock readWriteLock() {
            return new ReentrantReadWriteLock();
        }

        @Override
        public Permits semaphore(int permits) {
            var semaphore = new java.util.concurrent.Semaphore(permits, true);
            return new Permits() {
                @Override
                public void acquire() throws InterruptedException {
                    semaphore.acquire();
                }

                @Override
                public void release() {
                    semaphore.release();
                }
            };
        }

        @Override
        public Bell bell() {
            var lock = new ReentrantLock();
            Condition rung = lock.newCondition();
            return new Bell() {
                @Override
                @SuppressWarnings("WaitNotInLoop") // whoever rings goes on until all have counted
                public void await() throws InterruptedException {
                    lock.lock();
                    try {
                        rung.await();
                    } finally {
                        lock.unlock();
                    }
                }

                @Override
                public void ringForOne() {
                    lock.lock();
                    try {
                        rung.signal();
                    } finally {
                        lock.unlock();
                    }
                }

                @Override
                public void ringForAll() {
                    lock.lock();
                    try {
                        rung.signalAll();
                    } finally {
                        lock.unlock();
                    }
                }
            };
        }

        @Override
        public Meeting barrier(int parties) {
            return new CyclicBarrier(parties)::await;
        }
    }
}
