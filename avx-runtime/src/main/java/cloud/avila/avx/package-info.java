/**
 * The entry to the runtime: {@link cloud.avila.avx.AvxRuntime} with its configuration, the handles
 * to a runtime and to the tasks it runs.
 *
 * <p>May depend on every other package of the runtime except {@code sync}, {@code channel}, {@code
 * atomic}, {@code time} and {@code net}, which are its peers.
 */
@NullMarked
package cloud.avila.avx;

import org.jspecify.annotations.NullMarked;
