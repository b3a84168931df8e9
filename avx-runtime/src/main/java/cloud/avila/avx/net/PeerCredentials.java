package cloud.avila.avx.net;

/**
 * Who was at the other end of a Unix socket when it connected, or began to listen.
 *
 * @param pid its process, 0 if the system does not tell or it is not visible here (another
 *     namespace). The process may have ended since, and its number may belong to another: decide
 *     about rights by user and group
 * @param uid its effective user
 * @param gid its effective group
 */
public record PeerCredentials(int pid, int uid, int gid) {}
