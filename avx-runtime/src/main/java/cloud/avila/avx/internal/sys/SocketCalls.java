package cloud.avila.avx.internal.sys;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * What sockets need of an operating system with POSIX calls, in terms that mean the same on each.
 * One subclass a system puts in its own constants, its layout of addresses and its error numbers;
 * production loads a single one, so the JIT compiles straight calls.
 *
 * <p>Every call takes the {@link NativeScratch} of the carrier and returns what the C function
 * returns when that is not negative, else a negated error number of {@link LinuxErrno}: the numbers
 * of Linux are those that the runtime works with, and other systems' are translated. Constants
 * declared here have the values of Linux, too. Sockets opened or accepted here do not block, are
 * not inherited by programs we start, and raise no SIGPIPE.
 *
 * <p>Thread-safe. No call here waits.
 */
public abstract class SocketCalls {
    /** Within the machine. */
    public static final int AF_UNIX = 1;

    /** IPv4. */
    public static final int AF_INET = 2;

    /** IPv6. */
    public static final int AF_INET6 = 10;

    /** TCP. */
    public static final int SOCK_STREAM = 1;

    /** UDP. */
    public static final int SOCK_DGRAM = 2;

    /** End receiving. */
    public static final int SHUT_RD = 0;

    /** End sending. */
    public static final int SHUT_WR = 1;

    /** Flag of recv: leave the data where it is. */
    public static final int MSG_PEEK = 0x2;

    /** For the subclasses. */
    protected SocketCalls() {}

    /**
     * Opens a socket.
     *
     * @param scratch the carrier's scratch
     * @param family {@link #AF_INET}, {@link #AF_INET6} or {@link #AF_UNIX}
     * @param type {@link #SOCK_STREAM} or {@link #SOCK_DGRAM}
     * @return a new descriptor, else the negated error number
     */
    public abstract int open(NativeScratch scratch, int family, int type);

    /**
     * {@code bind(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address a socket address as {@link #encode} wrote it
     * @param length its bytes
     * @return 0, else the negated error number
     */
    public abstract int bind(NativeScratch scratch, int fd, MemorySegment address, int length);

    /**
     * {@code listen(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param backlog most connections that wait to be accepted
     * @return 0, else the negated error number
     */
    public abstract int listen(NativeScratch scratch, int fd, int backlog);

    /**
     * Accepts a connection.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address receives the peer's address
     * @param length bytes of address, before and after
     * @return a new descriptor, else the negated error number
     */
    public abstract int accept(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length);

    /**
     * {@code connect(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address a socket address as {@link #encode} wrote it
     * @param length its bytes
     * @return 0, else the negated error number; {@code EINPROGRESS} if it goes on
     */
    public abstract int connect(NativeScratch scratch, int fd, MemorySegment address, int length);

    /**
     * Asks what became of a {@link #connect} that went on.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address the same address
     * @param length its bytes
     * @return 0 if connected, else the negated error number; {@code EALREADY} if it still goes on
     */
    public abstract int connected(NativeScratch scratch, int fd, MemorySegment address, int length);

    /**
     * {@code getsockname(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address receives the address, for {@link #decode}
     * @param length bytes of address, before and after
     * @return 0, else the negated error number
     */
    public abstract int getsockname(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length);

    /**
     * {@code setsockopt(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param option the option
     * @param value its value
     * @param length bytes of the value
     * @return 0, else the negated error number
     */
    public abstract int setsockopt(
            NativeScratch scratch, int fd, NativeOption option, MemorySegment value, int length);

    /**
     * {@code getsockopt(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param option the option
     * @param value receives its value
     * @param length bytes of the value, before and after
     * @return 0, else the negated error number
     */
    public abstract int getsockopt(
            NativeScratch scratch,
            int fd,
            NativeOption option,
            MemorySegment value,
            MemorySegment length);

    /**
     * {@code shutdown(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param how {@link #SHUT_RD} or {@link #SHUT_WR}
     * @return 0, else the negated error number
     */
    public abstract int shutdown(NativeScratch scratch, int fd, int how);

    /**
     * {@code recv(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer receives the data; native memory
     * @param length most bytes
     * @param flags 0 or {@link #MSG_PEEK}
     * @return the bytes received, 0 at the end of a stream, else the negated error number
     */
    public abstract long recv(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags);

    /**
     * {@code send(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data; native memory
     * @param length its bytes
     * @return the bytes taken, else the negated error number
     */
    public abstract long send(NativeScratch scratch, int fd, MemorySegment buffer, long length);

    /**
     * {@code recvfrom(2)} of a datagram.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer receives the data; native memory
     * @param length most bytes
     * @param address receives the sender's address, for {@link #decode}
     * @param addressLength bytes of address, before and after
     * @return the bytes of the whole datagram, more than {@code length} if it did not fit; else the
     *     negated error number
     */
    public abstract long recvfrom(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            MemorySegment address,
            MemorySegment addressLength);

    /**
     * {@code sendto(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data; native memory
     * @param length its bytes
     * @param address the receiver's address as {@link #encode} wrote it
     * @param addressLength its bytes
     * @return the bytes taken, else the negated error number
     */
    public abstract long sendto(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            MemorySegment address,
            int addressLength);

    /**
     * Asks whether a call that receives would not block: there is data, the end of the stream or an
     * error. Uses {@link NativeScratch#value()}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @return 1 or 0, else the negated error number
     */
    public abstract int isReadable(NativeScratch scratch, int fd);

    /**
     * Asks whether a call that sends would not block: there is room, or an error. Uses {@link
     * NativeScratch#value()}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @return 1 or 0, else the negated error number
     */
    public abstract int isWritable(NativeScratch scratch, int fd);

    /**
     * How many bytes can be received, {@code FIONREAD}. Uses {@link NativeScratch#value()}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @return the bytes, else the negated error number
     */
    public abstract int available(NativeScratch scratch, int fd);

    /**
     * {@code close(2)}. The number is free afterwards, even after an error.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @return 0, else the negated error number
     */
    public abstract int close(NativeScratch scratch, int fd);

    /**
     * Lets a number mean another open file, which ends what it meant.
     *
     * @param scratch the carrier's scratch
     * @param from an open descriptor
     * @param to the number that shall mean the same; what it meant is closed
     * @return not negative, else the negated error number
     */
    public abstract int replace(NativeScratch scratch, int from, int to);

    /**
     * Writes an address in the layout of this system; see {@link SocketAddresses#encode}.
     *
     * @param to at least {@link SocketAddresses#MAX_BYTES} bytes
     * @param family the family of the socket
     * @param address a resolved address
     * @return the bytes written
     * @throws IllegalArgumentException if the address is not resolved, or an IPv6 address is meant
     *     for an IPv4 socket
     */
    public abstract int encode(MemorySegment to, int family, InetSocketAddress address);

    /**
     * Reads an address that this system has written; a mapped IPv4 address comes back as IPv4
     * address.
     *
     * @param from what the kernel has written
     * @return the address
     */
    public abstract InetSocketAddress decode(MemorySegment from);

    // ---- what not every binding has ----

    /**
     * Whether the system has an option.
     *
     * @param option the option
     * @return whether it can be set and read
     */
    public boolean has(NativeOption option) {
        return true;
    }

    /**
     * Whether there are the calls for sockets of the Unix domain: {@link #encodeUnix}, {@link
     * #decodeUnix}, {@link #openPair}, {@link #peerCredentials}, {@link #sendDescriptors} and
     * {@link #recvDescriptors}.
     *
     * @return whether they do not all fail with {@code ENOSYS}
     */
    public boolean hasUnixDomain() {
        return false;
    }

    /**
     * Whether names of the Unix domain need not be files.
     *
     * @return true on Linux
     */
    public boolean hasAbstractNames() {
        return false;
    }

    /**
     * Whether there are {@link #recvBatch} and {@link #sendBatch}.
     *
     * @return whether they do not fail with {@code ENOSYS}
     */
    public boolean hasBatches() {
        return false;
    }

    /**
     * Whether there is {@link #membership}.
     *
     * @return whether it does not fail with {@code ENOSYS}
     */
    public boolean hasMulticast() {
        return false;
    }

    /**
     * Whether there are {@link #openFile}, {@link #fileSize}, {@link #readAt} and {@link
     * #sendFile}.
     *
     * @return whether they do not fail with {@code ENOSYS}
     */
    public boolean hasSendFile() {
        return false;
    }

    /**
     * Whether there are {@link #makeNonBlocking}, {@link #readFrom} and {@link #writeTo}.
     *
     * @return whether they do not fail with {@code ENOSYS}
     */
    public boolean hasDescriptors() {
        return false;
    }

    /**
     * Writes the name of a Unix socket in the layout of this system.
     *
     * @param to at least 110 bytes
     * @param name a path, or a zero byte and an abstract name
     * @return the bytes written
     */
    public int encodeUnix(MemorySegment to, byte[] name) {
        throw new UnsupportedOperationException("no Unix domain");
    }

    /**
     * Reads the name of a Unix socket.
     *
     * @param from what the kernel has written
     * @param length its bytes
     * @return none, those of a path, or a zero and an abstract name
     */
    public byte[] decodeUnix(MemorySegment from, int length) {
        throw new UnsupportedOperationException("no Unix domain");
    }

    /**
     * Opens two connected Unix sockets.
     *
     * @param scratch the carrier's scratch; its {@link NativeScratch#value()} gets two descriptors,
     *     an int each
     * @param type {@link #SOCK_STREAM} or {@link #SOCK_DGRAM}
     * @return 0, else the negated error number
     */
    public int openPair(NativeScratch scratch, int type) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Asks who the peer of a Unix stream is.
     *
     * @param scratch the carrier's scratch; its {@link NativeScratch#value()} gets process, user
     *     and group, an int each
     * @param fd the descriptor
     * @return 0, else the negated error number
     */
    public int peerCredentials(NativeScratch scratch, int fd) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Sends bytes and descriptors over a Unix stream. Uses {@link NativeScratch#message()}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data; native memory
     * @param length its bytes, at least 1
     * @param descriptors open descriptors, at most 253
     * @return the bytes taken, else the negated error number
     */
    public long sendDescriptors(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int[] descriptors) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Receives bytes and descriptors from a Unix stream. Uses {@link NativeScratch#message()}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer receives the data; native memory
     * @param length most bytes, at least 1
     * @param descriptors gets the descriptors that came, not inherited by programs we start; its
     *     length bounds them
     * @param told two places: gets how many came, and 1 if there was no room for some
     * @return the bytes received, 0 at the end of the stream, else the negated error number
     */
    public long recvDescriptors(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int[] descriptors,
            int[] told) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Receives datagrams, {@code recvmmsg(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param batch where to put them
     * @param count how many at most
     * @return how many came, else the negated error number
     */
    public int recvBatch(NativeScratch scratch, int fd, DatagramBatch batch, int count) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Sends datagrams, {@code sendmmsg(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param batch the datagrams
     * @param count how many
     * @return how many were taken, else the negated error number of the first
     */
    public int sendBatch(NativeScratch scratch, int fd, DatagramBatch batch, int count) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Joins or leaves a multicast group, RFC 3678. Uses {@link NativeScratch#message()}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param join whether to join, else to leave
     * @param group the group
     * @param index the index of the interface, 0 to leave it to the system
     * @param source the only sender that counts, or null
     * @return 0, else the negated error number
     */
    public int membership(
            NativeScratch scratch,
            int fd,
            boolean join,
            InetAddress group,
            int index,
            @Nullable InetAddress source) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Opens a file for reading. May wait for a disk. Uses {@link NativeScratch#io()}.
     *
     * @param scratch the carrier's scratch
     * @param path the path as bytes, without a zero, at most 4095
     * @return a new descriptor, else the negated error number
     */
    public int openFile(NativeScratch scratch, byte[] path) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * The size of a file.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @return bytes, else the negated error number
     */
    public long fileSize(NativeScratch scratch, int fd) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * {@code pread(2)}. May wait for a disk.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor of a file
     * @param buffer receives the data; native memory
     * @param length most bytes
     * @param position where in the file
     * @return the bytes read, 0 at or behind the end, else the negated error number
     */
    public long readAt(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, long position) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * {@code sendfile(2)}. May wait for a disk, not for the socket. Uses {@link
     * NativeScratch#value()}.
     *
     * @param scratch the carrier's scratch
     * @param socket where to send
     * @param file the descriptor of a file
     * @param position where in the file
     * @param count most bytes
     * @return the bytes taken, 0 at or behind the end of the file, else the negated error number
     */
    public long sendFile(NativeScratch scratch, int socket, int file, long position, long count) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * Lets calls for a descriptor that somebody else has opened not wait.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @return not negative, else the negated error number
     */
    public int makeNonBlocking(NativeScratch scratch, int fd) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * {@code read(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd a descriptor that does not block
     * @param buffer receives the data; native memory
     * @param length most bytes
     * @return the bytes read, 0 at the end, else the negated error number
     */
    public long readFrom(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * {@code write(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd a descriptor that does not block
     * @param buffer the data; native memory
     * @param length its bytes
     * @return the bytes taken, else the negated error number
     */
    public long writeTo(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return -LinuxErrno.ENOSYS;
    }

    /**
     * The exception for a call that failed.
     *
     * @param operation what was tried, for example {@code connect}
     * @param target the address or socket it was tried on, or null
     * @param errno why it failed, of {@link LinuxErrno}
     * @return an exception of the type that {@code java.net} gives to this failure
     */
    public IOException exception(String operation, @Nullable Object target, int errno) {
        return LinuxErrno.exception(operation, target, errno);
    }

    /** A function of the C library, bound so that its error number is captured. */
    @SuppressWarnings("restricted")
    static MethodHandle handle(String name, FunctionDescriptor type, Linker.Option... options) {
        Linker linker = Linker.nativeLinker();
        var all = new Linker.Option[options.length + 1];
        System.arraycopy(options, 0, all, 1, options.length);
        all[0] = Linker.Option.captureCallState("errno");
        MemorySegment symbol =
                linker.defaultLookup()
                        .find(name)
                        .orElseThrow(
                                () ->
                                        new UnsupportedOperationException(
                                                "the C library has no function " + name));
        return linker.downcallHandle(symbol, type, all);
    }

    /** A segment that is closed or of another thread is the caller's error; nothing is checked. */
    static RuntimeException rethrow(Throwable thrown) {
        if (thrown instanceof RuntimeException e) {
            return e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
        throw new AssertionError("a native call threw a checked exception", thrown);
    }
}
