package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.UnixName;

import java.io.Serializable;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The address of a Unix domain socket: a path, an abstract name (Linux: not a file, and gone with
 * the socket), or none. Immutable; equal if the bytes are.
 */
public final class UnixAddress extends SocketAddress {
    private static final long serialVersionUID = 1;

    /** The address of a socket that was not bound. */
    private static final UnixAddress UNNAMED = new UnixAddress(UnixName.UNNAMED);

    private final transient UnixName name;

    private UnixAddress(UnixName name) {
        this.name = name;
    }

    /**
     * A path in the file system.
     *
     * @param path the path; relative ones count from the working directory of the process
     * @return the address
     * @throws IllegalArgumentException if it is empty, or longer than the 107 bytes that the system
     *     has room for
     */
    public static UnixAddress of(Path path) {
        return new UnixAddress(UnixName.of(path));
    }

    /**
     * The same as an address of the JDK.
     *
     * @param address an address with a path
     * @return the address; the unnamed one if the path is empty
     * @throws IllegalArgumentException if the path is longer than the 107 bytes that the system has
     *     room for
     */
    public static UnixAddress of(UnixDomainSocketAddress address) {
        return address.getPath().toString().isEmpty() ? UNNAMED : of(address.getPath());
    }

    /**
     * An abstract name, which only Linux has.
     *
     * @param name the name, not empty, at most 106 bytes in UTF-8, without the zero byte that the
     *     system puts before it
     * @return the address
     * @throws IllegalArgumentException if it is empty or too long
     */
    public static UnixAddress ofAbstract(String name) {
        return new UnixAddress(UnixName.ofAbstract(name));
    }

    /**
     * The address of a socket without a name.
     *
     * @return the address
     */
    public static UnixAddress unnamed() {
        return UNNAMED;
    }

    static UnixAddress of(UnixName name) {
        return name.isUnnamed() ? UNNAMED : new UnixAddress(name);
    }

    UnixName name() {
        return name;
    }

    /**
     * The path.
     *
     * @return the path, or nothing if the address is abstract or there is none
     */
    public Optional<Path> path() {
        return name.isUnnamed() || name.isAbstract()
                ? Optional.empty()
                : Optional.of(Path.of(name.text()));
    }

    /**
     * The abstract name.
     *
     * @return the name without its zero byte, or nothing if the address is a path or there is none
     */
    public Optional<String> abstractName() {
        return name.isAbstract() ? Optional.of(name.text()) : Optional.empty();
    }

    /**
     * Whether there is no name.
     *
     * @return whether the socket was not bound
     */
    public boolean isUnnamed() {
        return name.isUnnamed();
    }

    /**
     * What serialization writes in place of this.
     *
     * @return the bytes of the name
     */
    private Object writeReplace() {
        return new Serialized(name.bytes());
    }

    /**
     * What is written in place of an address.
     *
     * @param bytes of the name
     */
    private record Serialized(byte[] bytes) implements Serializable {
        /**
         * What is read in place of this.
         *
         * @return the address
         */
        private Object readResolve() {
            return of(UnixName.ofBytes(bytes));
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof UnixAddress address && name.equals(address.name);
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }

    /**
     * For messages.
     *
     * @return {@code unix:} and the path, {@code unix:@} and the abstract name, or {@code
     *     unix:(unnamed)}
     */
    @Override
    public String toString() {
        return name.toString();
    }
}
