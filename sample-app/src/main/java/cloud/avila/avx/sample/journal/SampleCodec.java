package cloud.avila.avx.sample.journal;

import cloud.avila.avx.sample.line.Sample;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * One record: payload length (int), CRC-32C of the payload (int), payload. The payload is a type
 * byte, the time of receipt, the type's numbers, and its strings, each after its length (short).
 */
final class SampleCodec {
    static final int HEADER = 2 * Integer.BYTES;

    /** Above the longest name and member at three bytes a character, with all numbers. */
    static final int MAX_PAYLOAD = 4096;

    private static final byte COUNT = 1;
    private static final byte GAUGE = 2;
    private static final byte RELATIVE_GAUGE = 3;
    private static final byte TIMING = 4;
    private static final byte MEMBER = 5;
    private static final byte TIMED_POINT = 6;

    private SampleCodec() {}

    static void encode(Sample sample, long receivedMillis, ByteBuffer out) {
        int header = out.position();
        out.position(header + HEADER);
        switch (sample) {
            case Sample.Count s -> out.put(COUNT).putLong(receivedMillis).putDouble(s.amount());
            case Sample.Gauge s ->
                    out.put(s.relative() ? RELATIVE_GAUGE : GAUGE)
                            .putLong(receivedMillis)
                            .putDouble(s.value());
            case Sample.Timing s ->
                    out.put(TIMING)
                            .putLong(receivedMillis)
                            .putDouble(s.value())
                            .putDouble(s.weight());
            case Sample.Member s -> {
                out.put(MEMBER).putLong(receivedMillis);
                putString(out, s.member());
            }
            case Sample.TimedPoint s ->
                    out.put(TIMED_POINT)
                            .putLong(receivedMillis)
                            .putLong(s.epochMillis())
                            .putDouble(s.value());
        }
        putString(out, sample.series());
        int length = out.position() - header - HEADER;
        out.putInt(header, length)
                .putInt(header + Integer.BYTES, checksum(out, header + HEADER, length));
    }

    /**
     * Decodes a payload.
     *
     * @throws BufferUnderflowException or IllegalArgumentException if it is not one
     */
    static JournalRecord decode(ByteBuffer payload) {
        byte type = payload.get();
        long received = payload.getLong();
        return new JournalRecord(
                switch (type) {
                    case COUNT -> {
                        double amount = payload.getDouble();
                        yield new Sample.Count(string(payload), amount);
                    }
                    case GAUGE, RELATIVE_GAUGE -> {
                        double value = payload.getDouble();
                        yield new Sample.Gauge(string(payload), value, type == RELATIVE_GAUGE);
                    }
                    case TIMING -> {
                        double value = payload.getDouble();
                        double weight = payload.getDouble();
                        yield new Sample.Timing(string(payload), value, weight);
                    }
                    case MEMBER -> {
                        String member = string(payload);
                        yield new Sample.Member(string(payload), member);
                    }
                    case TIMED_POINT -> {
                        long time = payload.getLong();
                        double value = payload.getDouble();
                        yield new Sample.TimedPoint(string(payload), time, value);
                    }
                    default -> throw new IllegalArgumentException("record type " + type);
                },
                received);
    }

    static int checksum(ByteBuffer buffer, int offset, int length) {
        var crc = new CRC32C();
        crc.update(buffer.slice(offset, length));
        return (int) crc.getValue();
    }

    private static void putString(ByteBuffer out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.putShort((short) bytes.length).put(bytes);
    }

    private static String string(ByteBuffer in) {
        byte[] bytes = new byte[Short.toUnsignedInt(in.getShort())];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
