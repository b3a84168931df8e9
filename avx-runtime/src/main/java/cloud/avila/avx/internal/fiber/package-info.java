/**
 * Virtual threads on schedulers of our own. The only package that touches internals of the JDK: the
 * factory of virtual threads with a scheduler of choice, the carrier of the calling thread and the
 * JDK's own scheduler. Depends on nothing else of the runtime.
 */
@NullMarked
package cloud.avila.avx.internal.fiber;

import org.jspecify.annotations.NullMarked;
