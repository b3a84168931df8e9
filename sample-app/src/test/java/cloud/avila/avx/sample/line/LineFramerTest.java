package cloud.avila.avx.sample.line;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class LineFramerTest {
    private static final int LIMIT = 64;

    private final List<String> found = new ArrayList<>();
    private final LineFramer framer = new LineFramer(LIMIT);
    private final LineFramer.Handler handler =
            new LineFramer.Handler() {
                @Override
                public void line(byte[] bytes, int offset, int length) {
                    found.add(new String(bytes, offset, length, StandardCharsets.UTF_8));
                }

                @Override
                public void oversize() {
                    found.add("<oversize>");
                }
            };

    @Test
    void cutsAtLineFeedsWithOrWithoutCarriageReturn() throws Exception {
        feed("a\nb\r\n\nc d\n");

        assertThat(found).containsExactly("a", "b", "", "c d");
        assertThat(framer.insideLine()).isFalse();
    }

    @Test
    void joinsALineThatComesInPieces() throws Exception {
        feed("hel");
        assertThat(framer.insideLine()).isTrue();
        feed("lo\nwor");
        feed("ld\r");
        feed("\n");

        assertThat(found).containsExactly("hello", "world");
    }

    @Test
    void takesALineOfExactlyTheLimit() throws Exception {
        feed("x".repeat(LIMIT) + "\n" + "y".repeat(LIMIT) + "\r\n");

        assertThat(found).containsExactly("x".repeat(LIMIT), "y".repeat(LIMIT));
    }

    @Test
    void skipsALongerLineAndGoesOnWithTheNext() throws Exception {
        feed("x".repeat(LIMIT + 1) + "\nshort\n" + "z".repeat(50 * LIMIT) + "\nend\n");

        assertThat(found).containsExactly("<oversize>", "short", "<oversize>", "end");
    }

    @Test
    void reportsALongLineBeforeItsEnd() throws Exception {
        feed("x".repeat(3 * LIMIT));

        assertThat(found).containsExactly("<oversize>");
        assertThat(framer.insideLine()).isTrue();
    }

    @Test
    void findsTheSameLinesHoweverTheBytesArrive() throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            var sent = new ArrayList<String>();
            var stream = new StringBuilder();
            for (int i = 0; i < 30; i++) {
                int length = random.nextInt(2 * LIMIT);
                stream.append("m".repeat(length)).append(random.nextBoolean() ? "\n" : "\r\n");
                sent.add(length > LIMIT ? "<oversize>" : "m".repeat(length));
            }
            found.clear();
            byte[] bytes = stream.toString().getBytes(StandardCharsets.UTF_8);
            for (int at = 0; at < bytes.length; ) {
                ByteBuffer room = framer.room();
                int count = Math.min(1 + random.nextInt(room.remaining()), bytes.length - at);
                room.put(bytes, at, count);
                framer.received(count, handler);
                at += count;
            }
            assertThat(found).as("seed %d, round %d", seed, round).isEqualTo(sent);
        }
    }

    private void feed(String text) throws InterruptedException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int at = 0; at < bytes.length; ) {
            ByteBuffer room = framer.room();
            int count = Math.min(room.remaining(), bytes.length - at);
            room.put(bytes, at, count);
            framer.received(count, handler);
            at += count;
        }
    }
}
