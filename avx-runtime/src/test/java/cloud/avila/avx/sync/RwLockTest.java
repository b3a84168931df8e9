package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.testing.Background;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** With readers that count in one place, and in cells. */
@Timeout(60)
@ParameterizedClass
@ValueSource(booleans = {false, true})
class RwLockTest {
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofHours(1);

    private final RwLock lock = new RwLock();

    RwLockTest(boolean spread) {
        if (spread) {
            lock.spread();
        }
    }

    /** Every way to wait for one of the locks; null when time was up. */
    private enum Way {
        READ(false, false),
        READ_TIMED(true, false),
        READ_VIEW(false, false),
        READ_VIEW_TIMED(true, false),
        WRITE(false, true),
        WRITE_TIMED(true, true),
        WRITE_VIEW(false, true),
        WRITE_VIEW_TIMED(true, true);

        final boolean timed;
        final boolean writes;

        Way(boolean timed, boolean writes) {
            this.timed = timed;
            this.writes = writes;
        }

        @Nullable Guard lock(RwLock lock, Duration timeout) throws InterruptedException {
            long nanos = timeout.toNanos();
            return switch (this) {
                case READ -> lock.read();
                case READ_TIMED -> lock.tryRead(timeout);
                case READ_VIEW -> {
                    lock.readLock().lockInterruptibly();
                    yield lock.readLock()::unlock;
                }
                case READ_VIEW_TIMED ->
                        lock.readLock().tryLock(nanos, TimeUnit.NANOSECONDS)
                                ? lock.readLock()::unlock
                                : null;
                case WRITE -> lock.write();
                case WRITE_TIMED -> lock.tryWrite(timeout);
                case WRITE_VIEW -> {
                    lock.writeLock().lockInterruptibly();
                    yield lock.writeLock()::unlock;
                }
                case WRITE_VIEW_TIMED ->
                        lock.writeLock().tryLock(nanos, TimeUnit.NANOSECONDS)
                                ? lock.writeLock()::unlock
                                : null;
            };
        }
    }

    private void assertFree() {
        assertNull(lock.holder());
        assertFalse(lock.isWriteLocked());
        assertEquals(0, lock.readers());
        try (var all = lock.tryWrite()) {
            assertNotNull(all, lock::toString);
        }
        assertNotEquals(0, lock.tryOptimisticRead());
    }

    @Test
    void manyReadAndNobodyWritesMeanwhile() throws Exception {
        try (var one = lock.read();
                var other = Objects.requireNonNull(lock.tryRead())) {
            assertEquals(2, lock.readers());
            assertTrue(Background.start(() -> closed(lock.tryRead())).join());
            assertFalse(Background.start(() -> closed(lock.tryWrite())).join());
            assertFalse(Background.start(() -> closed(lock.tryWrite(SHORT))).join());
            assertNotNull(one);
            assertNotNull(other);
        }
        assertFree();
    }

    private static boolean closed(@Nullable Guard guard) {
        if (guard == null) {
            return false;
        }
        guard.close();
        return true;
    }

    @Test
    void oneWritesAndNobodyReadsMeanwhile() throws Exception {
        try (var w = lock.write()) {
            assertTrue(lock.isWriteLocked());
            assertTrue(lock.isWriteLockedByCurrentThread());
            assertSame(Thread.currentThread(), lock.holder());
            assertFalse(Background.start(() -> closed(lock.tryRead())).join());
            assertFalse(Background.start(() -> closed(lock.tryRead(SHORT))).join());
            assertFalse(Background.start(() -> closed(lock.tryWrite())).join());
            assertFalse(Background.start(() -> closed(lock.tryUpgradeableRead())).join());
            assertFalse(Background.start(lock::isWriteLockedByCurrentThread).join());
        }
        assertFree();
    }

    @Test
    void guardsUnlockOnce() throws Exception {
        Guard r = lock.read();
        r.close();
        try (var other = lock.read()) {
            r.close();
            assertEquals(1, lock.readers());
        }
        Guard w = lock.write();
        w.close();
        try (var other = lock.write()) {
            w.close();
            assertTrue(lock.isWriteLockedByCurrentThread());
        }
        UpgradeableGuard u = lock.upgradeableRead();
        u.close();
        try (var other = lock.upgradeableRead()) {
            u.close();
            assertSame(Thread.currentThread(), lock.holder());
        }
        assertFree();
    }

    @ParameterizedTest
    @EnumSource
    void waitsUntilTheWriterIsDone(Way way) throws Exception {
        Guard w = lock.write();
        var waiting = Background.parked(() -> closed(way.lock(lock, LONG)));
        w.close();
        assertTrue(waiting.join());
        assertFree();
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptEndsTheWaitForAWriter(Way way) throws Exception {
        Guard w = lock.write();
        var waiting = Background.parked(() -> closed(way.lock(lock, LONG)));
        var next = Background.parked(() -> closed(lock.read()));
        waiting.interrupt();
        assertInstanceOf(InterruptedException.class, waiting.failure());
        w.close();
        assertTrue(next.join());
        assertFree();
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptThatCameBeforeIsSeen(Way way) {
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> way.lock(lock, LONG));
        assertFalse(Thread.interrupted());
        assertFree();
    }

    @ParameterizedTest
    @EnumSource
    void timeRunsOutBehindAWriterAndBehindAReader(Way way) throws Exception {
        if (!way.timed) {
            return;
        }
        for (Duration timeout : List.of(SHORT, Duration.ZERO, Duration.ofSeconds(-1))) {
            try (var w = lock.write()) {
                assertFalse(Background.start(() -> closed(way.lock(lock, timeout))).join());
            }
            assertFree();
            try (var r = lock.read()) {
                var late = Background.start(() -> closed(way.lock(lock, timeout)));
                assertEquals(!way.writes, late.join());
            }
            assertFree();
        }
        assertTrue(closed(way.lock(lock, Duration.ZERO)));
    }

    @ParameterizedTest
    @EnumSource
    void aWriterThatGivesUpWaitingForReadersLetsTheNextReadersIn(Way way) throws Exception {
        if (!way.writes) {
            return;
        }
        try (var r = lock.read()) {
            var writer = Background.parked(() -> closed(way.lock(lock, LONG)));
            assertTrue(lock.isWriteLocked());
            var behind = new ArrayList<Background<Boolean>>();
            for (int i = 0; i < 4; i++) {
                behind.add(Background.parked(() -> closed(lock.read())));
            }
            writer.interrupt();
            assertInstanceOf(InterruptedException.class, writer.failure());
            for (var b : behind) {
                assertTrue(b.join());
            }
            assertEquals(1, lock.readers());
        }
        assertFree();
    }

    @Test
    void aWriterThatRunsOutOfTimeLetsTheNextReadersIn() throws Exception {
        try (var r = lock.read()) {
            var writer = Background.start(() -> closed(lock.tryWrite(Duration.ofMillis(300))));
            while (!lock.isWriteLocked() && writer.thread().isAlive()) {
                Thread.onSpinWait(); // until it waits; its time may be up when this is seen
            }
            var behind = Background.start(() -> closed(lock.read()));
            assertFalse(writer.join());
            assertTrue(behind.join());
        }
        assertFree();
    }

    @Test
    void interruptsDoNotEndLockAndAreKept() throws Exception {
        for (var view : List.of(lock.readLock(), lock.writeLock())) {
            Guard w = lock.write();
            var waiting =
                    Background.parked(
                            () -> {
                                view.lock();
                                view.unlock();
                                return Thread.interrupted();
                            });
            waiting.interrupt();
            Background.awaitParked(waiting.thread());
            w.close();
            assertTrue(waiting.join());
        }
        try (var r = lock.read()) {
            var draining =
                    Background.parked(
                            () -> {
                                lock.writeLock().lock();
                                lock.writeLock().unlock();
                                return Thread.interrupted();
                            });
            draining.interrupt();
            Background.awaitParked(draining.thread());
            r.close();
            assertTrue(draining.join());
        }
        assertFree();
    }

    @Test
    void nobodyStartsToReadWhileAWriterWaits() throws Exception {
        var order = new CopyOnWriteArrayList<String>();
        Guard first = lock.read();
        var writer =
                Background.parkedStep(
                        () -> {
                            try (var w = lock.write()) {
                                order.add("write");
                            }
                        });
        assertNull(lock.tryRead());
        var second =
                Background.parkedStep(
                        () -> {
                            try (var r = lock.read()) {
                                order.add("read");
                            }
                        });
        first.close();
        writer.join();
        second.join();
        assertEquals(List.of("write", "read"), order);
        assertFree();
    }

    /** A reader comes in after the write it found, however many wait to write. */
    @Test
    void theEndOfAWriteLetsInAllWhoWaitToRead() throws Exception {
        var writes = new AtomicInteger();
        Guard w = lock.write();
        var writers = new ArrayList<Background<Boolean>>();
        var readers = new ArrayList<Background<Integer>>();
        for (int i = 0; i < 5; i++) {
            writers.add(
                    Background.parkedStep(
                            () -> {
                                try (var next = lock.write()) {
                                    writes.incrementAndGet();
                                }
                            }));
            readers.add(
                    Background.parked(
                            () -> {
                                try (var r = lock.read()) {
                                    return writes.get();
                                }
                            }));
        }
        w.close();
        for (var reader : readers) {
            assertEquals(0, reader.join());
        }
        for (var writer : writers) {
            writer.join();
        }
        assertEquals(5, writes.get());
        assertFree();
    }

    @Test
    void writersWriteInTheOrderOfArrival() throws Exception {
        var order = new ArrayList<Integer>();
        var writers = new ArrayList<Background<Boolean>>();
        Guard w = lock.write();
        for (int i = 0; i < 10; i++) {
            int n = i;
            writers.add(
                    Background.parkedStep(
                            () -> {
                                try (var mine = lock.write()) {
                                    order.add(n);
                                }
                            }));
        }
        w.close();
        for (var writer : writers) {
            writer.join();
        }
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), order);
    }

    // --- upgrading and downgrading ---

    @Test
    void othersReadBesideAnUpgradeableReaderAndNobodyWrites() throws Exception {
        try (var u = lock.upgradeableRead()) {
            assertTrue(Background.start(() -> closed(lock.read())).join());
            assertFalse(Background.start(() -> closed(lock.tryWrite())).join());
            assertFalse(Background.start(() -> closed(lock.tryUpgradeableRead())).join());
            assertFalse(Background.start(() -> closed(lock.tryUpgradeableRead(SHORT))).join());
            assertFalse(lock.isWriteLocked());
            assertSame(Thread.currentThread(), lock.holder());
        }
        assertFree();
    }

    @Test
    void anUpgradeWaitsForThoseWhoReadAndShutsOutThoseWhoCome() throws Exception {
        Guard r = lock.read();
        var order = new CopyOnWriteArrayList<String>();
        var upgrading =
                Background.parkedStep(
                        () -> {
                            try (var u = lock.upgradeableRead()) {
                                try (var w = u.upgrade()) {
                                    order.add("upgraded");
                                    assertTrue(lock.isWriteLockedByCurrentThread());
                                }
                                assertFalse(lock.isWriteLocked());
                                assertSame(Thread.currentThread(), lock.holder());
                            }
                        });
        var writer =
                Background.parkedStep(
                        () -> {
                            try (var w = lock.write()) {
                                order.add("written");
                            }
                        });
        assertNull(lock.tryRead());
        r.close();
        upgrading.join();
        writer.join();
        assertEquals(List.of("upgraded", "written"), order);
        assertFree();
    }

    @Test
    void anUpgradeThatIsInterruptedOrRunsOutOfTimeLeavesTheUpgradeableLock() throws Exception {
        Guard r = lock.read();
        var interrupted =
                Background.parked(
                        () -> {
                            try (var u = lock.upgradeableRead()) {
                                assertThrows(InterruptedException.class, u::upgrade);
                                assertSame(Thread.currentThread(), lock.holder());
                                assertFalse(lock.isWriteLocked());
                                return closed(u.tryUpgrade(SHORT)) || closed(u.tryUpgrade());
                            }
                        });
        var behind = Background.parked(() -> closed(lock.read()));
        interrupted.interrupt();
        assertTrue(behind.join());
        assertFalse(interrupted.join());
        r.close();
        try (var u = lock.upgradeableRead()) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, u::upgrade);
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> u.tryUpgrade(SHORT));
            assertTrue(closed(u.tryUpgrade()));
            assertTrue(closed(u.tryUpgrade(Duration.ZERO)));
            assertTrue(closed(u.tryUpgrade(SHORT)));
        }
        assertFree();
    }

    @Test
    void nobodyWritesWhileAWriteIsDowngraded() throws Exception {
        WriteGuard w = lock.write();
        var writer = Background.parked(() -> closed(lock.write()));
        var reader = Background.parked(() -> closed(lock.read()));
        try (var r = w.downgrade()) {
            w.close();
            assertTrue(reader.join());
            Background.awaitParked(writer.thread());
            assertTrue(lock.readers() > 0);
            assertThrows(IllegalStateException.class, w::downgrade);
        }
        assertTrue(writer.join());
        assertFree();
    }

    @Test
    void anUpgradeableLockIsDowngraded() throws Exception {
        UpgradeableGuard u = lock.upgradeableRead();
        try (var w = u.upgrade()) {
            assertThrows(IllegalMonitorStateException.class, u::downgrade);
            assertThrows(IllegalMonitorStateException.class, u::upgrade);
            assertThrows(IllegalMonitorStateException.class, u::close);
        }
        try (var r = u.downgrade()) {
            u.close();
            assertNull(lock.holder());
            assertEquals(1, lock.readers());
            assertThrows(IllegalStateException.class, u::upgrade);
            assertThrows(IllegalStateException.class, u::downgrade);
        }
        assertFree();
    }

    // --- stamps ---

    @Test
    void aStampIsValidUntilSomebodyWrites() throws Exception {
        long stamp = lock.tryOptimisticRead();
        assertNotEquals(0, stamp);
        try (var r = lock.read()) {
            assertTrue(lock.validate(stamp));
        }
        try (var u = lock.upgradeableRead()) {
            assertTrue(lock.validate(stamp));
            assertEquals(stamp, lock.tryOptimisticRead());
        }
        assertTrue(lock.validate(stamp));
        try (var w = lock.write()) {
            assertFalse(lock.validate(stamp));
            assertEquals(0, lock.tryOptimisticRead());
            assertFalse(lock.validate(0));
        }
        assertFalse(lock.validate(stamp));
        assertFalse(lock.validate(0));
        long after = lock.tryOptimisticRead();
        try (var u = lock.upgradeableRead();
                var w = u.upgrade()) {
            assertFalse(lock.validate(after));
        }
        assertFalse(lock.validate(after));
        assertTrue(lock.validate(lock.tryOptimisticRead()));
    }

    // --- misuse ---

    @Test
    void lockingByTheHolderIsAnErrorThatSaysSo() throws Exception {
        List<Background.Step> steps =
                List.of(
                        lock::read,
                        () -> lock.tryRead(LONG),
                        () -> lock.readLock().lock(),
                        () -> lock.readLock().tryLock(1, TimeUnit.HOURS),
                        lock::write,
                        () -> lock.tryWrite(LONG),
                        () -> lock.tryWrite(Duration.ZERO),
                        () -> lock.writeLock().lock(),
                        lock::upgradeableRead,
                        () -> lock.tryUpgradeableRead(LONG));
        try (var w = lock.write()) {
            for (var step : steps) {
                var e = assertThrows(IllegalMonitorStateException.class, step::run);
                assertTrue(e.toString().contains("not reentrant"), e.toString());
            }
            assertNull(lock.tryRead());
            assertNull(lock.tryWrite());
            assertFalse(lock.readLock().tryLock());
        }
        assertFree();
        try (var u = lock.upgradeableRead()) {
            for (var step : steps) {
                assertThrows(IllegalMonitorStateException.class, step::run);
            }
            assertNull(lock.tryRead());
            assertNull(lock.tryWrite());
        }
        assertFree();
    }

    @Test
    void unlockingWhatIsNotHeldIsAnError() throws Exception {
        assertThrows(IllegalMonitorStateException.class, lock.writeLock()::unlock);
        assertThrows(IllegalMonitorStateException.class, lock.readLock()::unlock);
        try (var u = lock.upgradeableRead()) {
            var e = assertThrows(IllegalMonitorStateException.class, lock.writeLock()::unlock);
            assertTrue(e.toString().contains("upgradeable"), e.toString());
        }
        try (var w = lock.write()) {
            var stranger = Background.start(() -> strange(w)).join();
            assertTrue(stranger.contains(Thread.currentThread().getName()), stranger);
            assertThrows(IllegalMonitorStateException.class, lock.readLock()::unlock);
        }
        assertFree();
    }

    private static String strange(Guard guard) {
        return assertThrows(IllegalMonitorStateException.class, guard::close).toString();
    }

    @Test
    void aThreadThatLockedBeforeThereWereCellsUnlocksAfter() throws Exception {
        lock.readLock().lock();
        Guard guard = lock.read();
        lock.spread();
        lock.readLock().lock();
        assertEquals(3, lock.readers());
        lock.readLock().unlock();
        lock.readLock().unlock();
        guard.close();
        assertThrows(IllegalMonitorStateException.class, lock.readLock()::unlock);
        assertFree();
    }

    // --- conditions, names, diagnosis ---

    @Test
    void theWriteLockHasConditions() throws Exception {
        assertThrows(UnsupportedOperationException.class, lock.readLock()::newCondition);
        var changed = lock.writeLock().newCondition();
        assertThrows(IllegalMonitorStateException.class, changed::await);
        var waiting =
                Background.parked(
                        () -> {
                            try (var w = lock.write()) {
                                changed.await();
                                return lock.isWriteLockedByCurrentThread();
                            }
                        });
        try (var w = lock.write()) {
            changed.signal();
        }
        assertTrue(waiting.join());
        assertFree();
    }

    @Test
    void saysWhoHoldsIt() throws Exception {
        var named = new RwLock("routes");
        assertEquals("RwLock \"routes\"[0 readers]", named.toString());
        String me = Thread.currentThread().getName();
        try (var w = named.write()) {
            assertTrue(named.toString().contains("written by"), named.toString());
            assertTrue(named.toString().contains(me), named.toString());
            var e = assertThrows(IllegalMonitorStateException.class, named::write);
            assertTrue(e.toString().contains("RwLock \"routes\""), e.toString());
        }
        try (var u = named.upgradeableRead();
                var other = Background.start(named::read).join()) {
            assertTrue(named.toString().contains("read upgradeably by"), named.toString());
            assertTrue(named.toString().contains("1 reader]"), named.toString());
        }
    }

    @Test
    void whoWaitsForAWriterShowsWhoThatIs() throws Exception {
        Guard w = lock.write();
        for (Way way : Way.values()) {
            var waiting = Background.parked(() -> closed(way.lock(lock, LONG)));
            var blocker = assertInstanceOf(Blocker.class, Parker.blockerOf(waiting.thread()));
            assertSame(Thread.currentThread(), blocker.holder());
            assertTrue(blocker.toString().contains("RwLock"), blocker.toString());
            waiting.interrupt();
            assertInstanceOf(InterruptedException.class, waiting.failure());
        }
        w.close();
        try (var r = lock.read()) {
            var draining = Background.parked(() -> closed(lock.write()));
            var blocker = assertInstanceOf(Blocker.class, Parker.blockerOf(draining.thread()));
            assertNull(blocker.holder());
            assertTrue(blocker.toString().contains("1 reader]"), blocker.toString());
            r.close();
            assertTrue(draining.join());
        }
    }
}
