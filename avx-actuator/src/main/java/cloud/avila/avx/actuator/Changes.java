package cloud.avila.avx.actuator;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.audit.AuditEvent;
import org.springframework.boot.actuate.audit.listener.AuditApplicationEvent;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.context.ApplicationEventPublisher;

import java.security.Principal;
import java.util.HexFormat;
import java.util.Map;

/**
 * Keeps a record of what was changed through the endpoint, and by whom: a line in the log, and an
 * {@link AuditEvent} of the type {@value #TYPE}, which Boot hands to its repository if there is
 * one.
 */
final class Changes {
    static final String TYPE = "AVX_CHANGE";
    private static final String UNKNOWN = "anonymous";
    private static final Log LOG = LogFactory.getLog(Changes.class);

    private final ApplicationEventPublisher publisher;

    Changes(ApplicationEventPublisher publisher) {
        this.publisher = publisher;
    }

    /**
     * A change was made.
     *
     * @return what to answer
     */
    Change made(SecurityContext who, String what, String before, String after) {
        Principal principal = who.getPrincipal();
        String name = principal == null ? UNKNOWN : nonNull(principal.getName());
        LOG.info(
                "\"%s\" has changed %s from %s to %s"
                        .formatted(
                                printable(name),
                                printable(what),
                                printable(before),
                                printable(after)));
        publisher.publishEvent(
                new AuditApplicationEvent(
                        new AuditEvent(
                                name, TYPE, Map.of("what", what, "old", before, "new", after))));
        return new Change(what, before, after);
    }

    private static String nonNull(@Nullable String name) {
        return name == null ? UNKNOWN : name;
    }

    /** A text that stays on its line of the log. */
    private static String printable(String text) {
        var safe = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029) {
                safe.append("\\u").append(HexFormat.of().toHexDigits(c));
            } else {
                safe.append(c);
            }
        }
        return safe.toString();
    }

    /** The answer to a change. */
    record Change(String what, String before, String after) {}
}
