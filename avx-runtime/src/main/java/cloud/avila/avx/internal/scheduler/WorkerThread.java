package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.sys.NativeScratch;

import org.jspecify.annotations.Nullable;

/** The platform thread that runs a worker, the carrier of the fibers on it. */
final class WorkerThread extends RuntimeThread implements NativeScratch.Owner {
    final Worker worker;
    private @Nullable NativeScratch scratch; // made at the first system call

    WorkerThread(Worker worker, String name, long stackSize) {
        super(worker.scheduler, null, name, stackSize);
        this.worker = worker;
    }

    @Override
    public NativeScratch nativeScratch() {
        NativeScratch s = scratch;
        if (s == null) {
            scratch = s = new NativeScratch();
        }
        return s;
    }

    @Override
    public void run() {
        worker.run();
    }
}
