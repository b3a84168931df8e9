package cloud.avila.avx.net;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;

/** The stream views of a connection. */
final class StreamViews {
    private StreamViews() {}

    static final class Input extends InputStream {
        private final SocketStream stream;

        Input(SocketStream stream) {
            this.stream = stream;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            try {
                return stream.read(to, offset, length);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }

        @Override
        public int available() throws IOException {
            return stream.available();
        }

        @Override
        public void close() {
            stream.close();
        }
    }

    static final class Output extends OutputStream {
        private final SocketStream stream;

        Output(SocketStream stream) {
            this.stream = stream;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] from, int offset, int length) throws IOException {
            try {
                stream.writeAll(from, offset, length);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }

        @Override
        public void close() {
            stream.close();
        }
    }

    private static InterruptedIOException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        var thrown = new InterruptedIOException(e.getMessage());
        thrown.initCause(e);
        return thrown;
    }
}
