package cloud.avila.avx.internal.reactor;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/** A driver with a thread that polls it for ever: what the scheduler's leader does, and no more. */
public final class PollingThread implements AutoCloseable {
    private final IoDriver driver;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Thread thread;
    private volatile boolean stopping;

    public PollingThread(IoDriver driver) {
        this.driver = driver;
        thread = Thread.ofPlatform().daemon(true).name("poller").start(this::run);
    }

    public IoDriver driver() {
        return driver;
    }

    private void run() {
        try {
            while (!stopping) {
                driver.poll(IoDriver.FOREVER);
            }
        } catch (IOException | RuntimeException | Error e) {
            if (!stopping) {
                failure.set(e);
            }
        }
    }

    @Override
    public void close() {
        stopping = true;
        driver.close();
        try {
            if (!thread.join(Duration.ofSeconds(30))) {
                throw new AssertionError("the poller did not end after the driver was closed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
        if (failure.get() != null) {
            throw new AssertionError("the poller failed", failure.get());
        }
    }
}
