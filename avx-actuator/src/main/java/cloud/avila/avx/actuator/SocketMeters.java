package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxMeter.UNIT_DATAGRAMS;
import static cloud.avila.avx.actuator.AvxMeter.UNIT_SOCKETS;

import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;
import io.micrometer.core.instrument.binder.BaseUnits;

import org.jspecify.annotations.Nullable;

import java.util.function.ToDoubleFunction;

/** The meters of the sockets of one kind. */
enum SocketMeters implements AvxMeter<SocketMetrics> {
    OPEN(
            Type.GAUGE,
            "avx.sockets.open",
            UNIT_SOCKETS,
            "Sockets of the kind that are open now",
            SocketMetrics::open),
    OPENED(
            Type.COUNTER,
            "avx.sockets.opened",
            UNIT_SOCKETS,
            "Sockets of the kind ever opened, accepted ones included",
            SocketMetrics::opened),
    ACCEPTED(
            Type.COUNTER,
            "avx.sockets.accepted",
            BaseUnits.CONNECTIONS,
            "Connections that listeners of the kind have accepted",
            SocketMetrics::accepted),
    ACCEPT_FAILURES(
            Type.COUNTER,
            "avx.sockets.accept.failures",
            BaseUnits.OPERATIONS,
            "Times accepting was put off for want of descriptors or memory",
            SocketMetrics::acceptFailures),
    RECEIVED(
            Type.COUNTER,
            "avx.sockets.received",
            BaseUnits.BYTES,
            "Bytes received",
            SocketMetrics::bytesReceived),
    SENT(
            Type.COUNTER,
            "avx.sockets.sent",
            BaseUnits.BYTES,
            "Bytes that the system took to send",
            SocketMetrics::bytesSent),
    DATAGRAMS_RECEIVED(
            Type.COUNTER,
            "avx.sockets.datagrams.received",
            UNIT_DATAGRAMS,
            "Datagrams received",
            SocketMetrics::datagramsReceived),
    DATAGRAMS_SENT(
            Type.COUNTER,
            "avx.sockets.datagrams.sent",
            UNIT_DATAGRAMS,
            "Datagrams that the system took to send",
            SocketMetrics::datagramsSent),
    DATAGRAMS_TRUNCATED(
            Type.COUNTER,
            "avx.sockets.datagrams.truncated",
            UNIT_DATAGRAMS,
            "Datagrams received that were longer than the buffer for them",
            SocketMetrics::datagramsTruncated);

    private final MeterDefinition<SocketMetrics> definition;

    SocketMeters(
            Type type,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<SocketMetrics> value) {
        definition = new MeterDefinition<>(type, name, unit, description, value);
    }

    @Override
    public MeterDefinition<SocketMetrics> definition() {
        return definition;
    }

    @Override
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.RUNTIME, MeterKey.KIND});
    }

    /** Whether sockets of a kind have the meter. */
    boolean isOf(SocketKind kind) {
        return switch (this) {
            case OPEN, OPENED -> true;
            case ACCEPTED, ACCEPT_FAILURES -> kind.isListener();
            case RECEIVED, SENT -> !kind.isListener();
            case DATAGRAMS_RECEIVED, DATAGRAMS_SENT, DATAGRAMS_TRUNCATED -> kind.isDatagram();
        };
    }
}
