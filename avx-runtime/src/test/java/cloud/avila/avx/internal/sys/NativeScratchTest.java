package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

import java.util.concurrent.FutureTask;

class NativeScratchTest {
    private static final class Worker extends Thread implements NativeScratch.Owner {
        private final NativeScratch scratch = new NativeScratch();

        Worker(Runnable task) {
            super(task);
        }

        @Override
        public NativeScratch nativeScratch() {
            return scratch;
        }
    }

    @Test
    void anOwnerUsesItsOwn() throws Exception {
        var used = new FutureTask<>(() -> NativeScratch.of(Thread.currentThread()));
        var worker = new Worker(used);
        worker.start();
        assertSame(worker.scratch, used.get());
    }

    @Test
    void everyOtherPlatformThreadHasOneToItself() throws Exception {
        NativeScratch mine = NativeScratch.of(Thread.currentThread());
        assertSame(mine, NativeScratch.of(Thread.currentThread()));
        assertEquals(NativeScratch.IO_BYTES, mine.io().byteSize());
        var other = new FutureTask<>(() -> NativeScratch.of(Thread.currentThread()));
        Thread.ofPlatform().start(other);
        assertNotSame(mine, other.get());
    }

    @Test
    void aCarrierThatIsNotOursHasOneForAllItsVirtualThreads() throws Exception {
        var carrier = new Thread();
        NativeScratch first = NativeScratch.of(carrier);
        assertSame(first, NativeScratch.of(carrier));
        // a carrier that is not alive is forgotten as soon as another one comes
        NativeScratch.of(new Thread());
        assertNotSame(first, NativeScratch.of(carrier));
    }

    @Test
    void aVirtualThreadWhoseCarrierIsHiddenHasASmallOne() throws Exception {
        var used = new FutureTask<>(() -> NativeScratch.of(Thread.currentThread()));
        Thread.ofVirtual().start(used);
        assertEquals(8 << 10, used.get().io().byteSize());
    }
}
