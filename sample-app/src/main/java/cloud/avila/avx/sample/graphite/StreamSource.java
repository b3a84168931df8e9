package cloud.avila.avx.sample.graphite;

import cloud.avila.avx.net.TcpStream;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** The bytes of a connection. */
record StreamSource(TcpStream stream) implements GraphiteConnection.Source {
    @Override
    public int read(ByteBuffer into, Duration timeout) throws IOException, InterruptedException {
        return stream.readTimeout(timeout).read(into);
    }

    @Override
    public int readNow(ByteBuffer into) throws IOException {
        return stream.tryRead(into);
    }
}
