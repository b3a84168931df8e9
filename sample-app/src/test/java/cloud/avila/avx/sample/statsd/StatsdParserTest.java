package cloud.avila.avx.sample.statsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import cloud.avila.avx.sample.line.RejectedLineException;
import cloud.avila.avx.sample.line.Sample;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Random;

class StatsdParserTest {
    @Test
    void dividesACounterByItsSampleRate() throws Exception {
        assertThat(StatsdParser.parse("hits:3|c")).isEqualTo(new Sample.Count("hits", 3));
        assertThat(StatsdParser.parse("hits:3|c|@0.1")).isEqualTo(new Sample.Count("hits", 30));
        assertThat(StatsdParser.parse("hits:-2|c")).isEqualTo(new Sample.Count("hits", -2));
    }

    @Test
    void tellsAGaugesValueFromAChange() throws Exception {
        assertThat(StatsdParser.parse("g:7.5|g")).isEqualTo(new Sample.Gauge("g", 7.5, false));
        assertThat(StatsdParser.parse("g:+7|g")).isEqualTo(new Sample.Gauge("g", 7, true));
        assertThat(StatsdParser.parse("g:-7|g")).isEqualTo(new Sample.Gauge("g", -7, true));
    }

    @Test
    void weighsTimingsByTheirSampleRate() throws Exception {
        assertThat(StatsdParser.parse("t:12|ms")).isEqualTo(new Sample.Timing("t", 12, 1));
        assertThat(StatsdParser.parse("t:12|h|@0.25")).isEqualTo(new Sample.Timing("t", 12, 4));
        assertThat(StatsdParser.parse("t:12.5|d")).isEqualTo(new Sample.Timing("t", 12.5, 1));
    }

    @Test
    void takesAnyTextAsAMemberOfASet() throws Exception {
        assertThat(StatsdParser.parse("u:anna@example|s"))
                .isEqualTo(new Sample.Member("u", "anna@example"));
    }

    @Test
    void putsTagsIntoTheNameInOrder() throws Exception {
        assertThat(StatsdParser.parse("a.b:1|c|#zone:eu,app:shop,canary").series())
                .isEqualTo("a.b;app=shop;canary=true;zone=eu");
        assertThat(StatsdParser.parse("a.b:1|c|#app:shop,zone:eu|@0.5").series())
                .isEqualTo("a.b;app=shop;zone=eu");
        assertThat(StatsdParser.parse("a b:1|c|#url:http://x/y,s:a b").series())
                .isEqualTo("a_b;s=a_b;url=http://x/y");
    }

    @Test
    void ignoresSectionsItDoesNotKnow() throws Exception {
        assertThat(StatsdParser.parse("a:1|c|c:container-7|T1656581400"))
                .isEqualTo(new Sample.Count("a", 1));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "hits MALFORMED",
                "hits:3 MALFORMED",
                "hits|c MALFORMED",
                "_e{1,1}:a|b BAD_TYPE",
                ":3|c BAD_NAME",
                "hits:|c BAD_VALUE",
                "hits:x|c BAD_VALUE",
                "hits:NaN|g BAD_VALUE",
                "hits:Infinity|ms BAD_VALUE",
                "hits:1e999|c BAD_VALUE",
                "hits:0x10|c BAD_VALUE",
                "hits:1d|c BAD_VALUE",
                "hits:1e308|c|@0.001 BAD_VALUE",
                "users:|s BAD_VALUE",
                "hits:3|q BAD_TYPE",
                "hits:3| BAD_TYPE",
                "hits:3|c|@0 BAD_SAMPLE_RATE",
                "hits:3|c|@1.5 BAD_SAMPLE_RATE",
                "hits:3|c|@-1 BAD_SAMPLE_RATE",
                "hits:3|c|@ BAD_SAMPLE_RATE",
                "hits:3|c|@1e-320 BAD_SAMPLE_RATE",
                "hits:3|c|#:v BAD_TAG",
                "hits:3|c|#k: BAD_TAG"
            })
    void refusesWithAReason(String line, String reason) {
        RejectedLineException refusal =
                catchThrowableOfType(RejectedLineException.class, () -> StatsdParser.parse(line));

        assertThat(refusal).as(line).isNotNull();
        assertThat(refusal.reason()).hasToString(reason);
        assertThat(refusal).hasMessageMatching(".{10,}");
    }

    @Test
    void refusesControlCharactersAndEndlessNames() {
        assertThat(
                        catchThrowableOfType(
                                RejectedLineException.class, () -> StatsdParser.parse("a\0b:1|c")))
                .isNotNull();
        String name = "n".repeat(1025);
        assertThat(
                        catchThrowableOfType(
                                RejectedLineException.class,
                                () -> StatsdParser.parse(name + ":1|c")))
                .isNotNull();
    }

    @Test
    void neverFailsOtherwiseWhateverTheLine() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        String alphabet = "ab:|@#,.;=+-0123456789eEcgmshd \t\0é/{}";
        int parsed = 0;
        for (int i = 0; i < 300_000; i++) {
            var line = new StringBuilder(random.nextBoolean() ? "a:1|c" : "");
            int length = random.nextInt(24);
            for (int j = 0; j < length; j++) {
                line.insert(
                        random.nextInt(line.length() + 1),
                        alphabet.charAt(random.nextInt(alphabet.length())));
            }
            try {
                Sample sample = StatsdParser.parse(line.toString());
                assertThat(sample.series()).isNotBlank();
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
