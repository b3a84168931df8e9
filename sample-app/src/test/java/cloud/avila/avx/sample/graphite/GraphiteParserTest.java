package cloud.avila.avx.sample.graphite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import cloud.avila.avx.sample.line.RejectedLineException;
import cloud.avila.avx.sample.line.Sample.TimedPoint;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Random;

class GraphiteParserTest {
    private final GraphiteParser parser =
            new GraphiteParser(Clock.fixed(Instant.ofEpochSecond(1_700_000_000), ZoneOffset.UTC));

    @Test
    void keepsThePointsOwnTime() throws Exception {
        assertThat(parser.parse("a.b 1.5 1000")).isEqualTo(new TimedPoint("a.b", 1_000_000, 1.5));
        assertThat(parser.parse("a.b -3e2 0")).isEqualTo(new TimedPoint("a.b", 0, -300));
        assertThat(parser.parse("a.b\t7   1700000000.25"))
                .isEqualTo(new TimedPoint("a.b", 1_700_000_000_250L, 7));
    }

    @Test
    void takesMinusOneForNow() throws Exception {
        assertThat(parser.parse("a 1 -1")).isEqualTo(new TimedPoint("a", 1_700_000_000_000L, 1));
    }

    @Test
    void sortsTags() throws Exception {
        assertThat(parser.parse("disk.used;server=web01;dc=eu 1 1").series())
                .isEqualTo("disk.used;dc=eu;server=web01");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '/',
            value = {
                "a/MALFORMED",
                "a 1/MALFORMED",
                "a 1 2 3/MALFORMED",
                "a x 1/BAD_VALUE",
                "a nan 1/BAD_VALUE",
                "a 1 yesterday/BAD_TIMESTAMP",
                "a 1 -2/BAD_TIMESTAMP",
                "a 1 1e12/BAD_TIMESTAMP",
                "a;b 1 1/BAD_TAG",
                "a;b= 1 1/BAD_TAG",
                "a;=c 1 1/BAD_TAG",
                ";b=c 1 1/BAD_NAME"
            })
    void refusesWithAReason(String line, String reason) {
        RejectedLineException refusal =
                catchThrowableOfType(RejectedLineException.class, () -> parser.parse(line));

        assertThat(refusal).as(line).isNotNull();
        assertThat(refusal.reason()).hasToString(reason);
    }

    @Test
    void neverFailsOtherwiseWhateverTheLine() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        String alphabet = "ab;= \t.-+0123456789eE\0é";
        int parsed = 0;
        for (int i = 0; i < 300_000; i++) {
            var line = new StringBuilder(random.nextBoolean() ? "a;b=c 1 1000" : "");
            int length = random.nextInt(16);
            for (int j = 0; j < length; j++) {
                line.insert(
                        random.nextInt(line.length() + 1),
                        alphabet.charAt(random.nextInt(alphabet.length())));
            }
            try {
                assertThat(parser.parse(line.toString()).series()).isNotBlank();
                parsed++;
            } catch (RejectedLineException e) {
                assertThat(e.reason()).isNotNull();
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", line '" + line + "'", e);
            }
        }
        assertThat(parsed).as("lines taken, seed %d", seed).isBetween(1_000, 299_000);
    }
}
