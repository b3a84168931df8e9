package cloud.avila.avx.sample.line;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Cuts a stream of bytes into lines ended by LF or CRLF, in bounded memory. It starts small,
 * because most connections are idle, and grows up to the longest line. Used by one thread.
 */
public final class LineFramer {
    /** Takes what the framer finds. */
    public interface Handler {
        /**
         * A complete line.
         *
         * @param bytes holds the line; valid during the call only
         * @param offset the line's first byte
         * @param length the line's length without its end
         * @throws InterruptedException if handing the line on was interrupted
         */
        void line(byte[] bytes, int offset, int length) throws InterruptedException;

        /** A line longer than the limit starts here; its bytes are skipped up to its end. */
        void oversize();
    }

    private static final int INITIAL_SIZE = 512;

    private final int maxLength;
    private byte[] buffer;
    private int start;
    private int end;
    private boolean skipping;

    /**
     * Creates a framer.
     *
     * @param maxLength the longest line taken, in bytes without its end
     */
    public LineFramer(int maxLength) {
        this.maxLength = maxLength;
        this.buffer = new byte[Math.min(INITIAL_SIZE, maxLength + 2)];
    }

    /**
     * Room for the next read, never empty.
     *
     * @return a heap buffer to read into; pass the number of bytes read to {@link #received}
     */
    public ByteBuffer room() {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        if (end == buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.min(2 * buffer.length, maxLength + 2));
        }
        return ByteBuffer.wrap(buffer, end, buffer.length - end);
    }

    /**
     * Takes the bytes just read into {@link #room()} and hands on every line they complete.
     *
     * @param count bytes read
     * @param handler takes the lines
     * @throws InterruptedException if the handler was interrupted
     */
    public void received(int count, Handler handler) throws InterruptedException {
        int scan = end;
        end += count;
        for (; scan < end; scan++) {
            if (buffer[scan] == '\n') {
                int length = scan - start;
                if (length > 0 && buffer[scan - 1] == '\r') {
                    length--;
                }
                int from = start;
                start = scan + 1;
                if (skipping) {
                    skipping = false;
                } else if (length > maxLength) {
                    handler.oversize();
                } else {
                    handler.line(buffer, from, length);
                }
            }
        }
        if (skipping) {
            start = end;
        } else if (end - start > maxLength + 1
                || (end - start == maxLength + 1 && buffer[end - 1] != '\r')) {
            handler.oversize();
            skipping = true;
            start = end;
        }
    }

    /**
     * Whether a line has begun and not ended.
     *
     * @return true inside a line
     */
    public boolean insideLine() {
        return end > start || skipping;
    }
}
