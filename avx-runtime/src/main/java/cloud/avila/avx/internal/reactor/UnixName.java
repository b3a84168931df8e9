package cloud.avila.avx.internal.reactor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The name of a socket of the Unix domain: a path, an abstract name (Linux, unix(7): a zero byte
 * and then bytes of any value), or none. Immutable.
 */
public final class UnixName {
    /**
     * Longest name in bytes, without the zero after a path: {@code sun_path} of sys/un.h, Linux.
     */
    public static final int MOST_BYTES = 107;

    /** The name of a socket that was not bound. */
    public static final UnixName UNNAMED = new UnixName(new byte[0]);

    private final byte[] bytes;

    private UnixName(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * A path.
     *
     * @param path the path, as the process sees it
     * @return the name
     * @throws IllegalArgumentException if it is empty or too long
     */
    public static UnixName of(Path path) {
        byte[] bytes = path.toString().getBytes(UTF_8);
        if (bytes.length == 0) {
            throw new IllegalArgumentException("the path of a Unix socket must not be empty");
        }
        return checked(bytes, path.toString());
    }

    /**
     * An abstract name.
     *
     * @param name the name without its leading zero byte
     * @return the name
     * @throws IllegalArgumentException if it is empty or too long
     */
    public static UnixName ofAbstract(String name) {
        byte[] text = name.getBytes(UTF_8);
        if (text.length == 0) {
            throw new IllegalArgumentException("an abstract name must not be empty");
        }
        byte[] bytes = new byte[text.length + 1];
        System.arraycopy(text, 0, bytes, 1, text.length);
        return checked(bytes, name);
    }

    /**
     * A name as the system has it.
     *
     * @param bytes the bytes: none, those of a path without the zero that ends it, or a zero and
     *     those of an abstract name
     * @return the name
     */
    public static UnixName ofBytes(byte[] bytes) {
        return bytes.length == 0 ? UNNAMED : new UnixName(bytes.clone());
    }

    private static UnixName checked(byte[] bytes, String shown) {
        if (bytes.length > MOST_BYTES) {
            throw new IllegalArgumentException(
                    "the name of a Unix socket has at most "
                            + MOST_BYTES
                            + " bytes, but \""
                            + shown
                            + "\" has "
                            + bytes.length);
        }
        return new UnixName(bytes);
    }

    /**
     * Whether there is no name.
     *
     * @return whether the socket was not bound
     */
    public boolean isUnnamed() {
        return bytes.length == 0;
    }

    /**
     * Whether it is an abstract name.
     *
     * @return whether it begins with a zero byte
     */
    public boolean isAbstract() {
        return bytes.length > 0 && bytes[0] == 0;
    }

    /**
     * Its bytes as the system has them.
     *
     * @return a copy
     */
    public byte[] bytes() {
        return bytes.clone();
    }

    /**
     * The path, or the abstract name without its zero byte.
     *
     * @return the text, empty if there is no name
     */
    public String text() {
        return isAbstract()
                ? new String(bytes, 1, bytes.length - 1, UTF_8)
                : new String(bytes, UTF_8);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof UnixName name && Arrays.equals(bytes, name.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        if (isUnnamed()) {
            return "unix:(unnamed)";
        }
        String text = text();
        if (text.chars().anyMatch(c -> c < ' ' || c == 0xfffd)) {
            text = "0x" + HexFormat.of().formatHex(bytes);
        }
        return (isAbstract() ? "unix:@" : "unix:") + text;
    }
}
