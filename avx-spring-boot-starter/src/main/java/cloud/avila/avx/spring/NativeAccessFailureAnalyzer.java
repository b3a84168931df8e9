package cloud.avila.avx.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

import java.util.Arrays;

/** Explains why a bean could not open a socket of AVX's: the JVM denies native access. */
final class NativeAccessFailureAnalyzer extends AbstractFailureAnalyzer<IllegalCallerException> {
    static final String ACTION =
            """
            Do one of these:
              - start the JVM with --enable-native-access=ALL-UNNAMED
              - set Enable-Native-Access: ALL-UNNAMED in the manifest of the application's jar
            AVX makes native calls for sockets only; tasks, timers and locks do without.""";

    @Override
    protected @Nullable FailureAnalysis analyze(
            Throwable rootFailure, IllegalCallerException cause) {
        if (findCause(rootFailure, AvxRuntimeStartException.class) != null || !isFromAvx(cause)) {
            return null;
        }
        return new FailureAnalysis(
                "A socket of AVX needs native calls, and this JVM does not let it make them: "
                        + reason(cause)
                        + ".",
                ACTION,
                cause);
    }

    private static boolean isFromAvx(Throwable cause) {
        return Arrays.stream(cause.getStackTrace())
                .anyMatch(
                        frame -> frame.getClassName().startsWith("cloud.avila.avx.internal.sys."));
    }

    /** What the JVM itself said. */
    static String reason(Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.toString() : root.getMessage();
    }
}
