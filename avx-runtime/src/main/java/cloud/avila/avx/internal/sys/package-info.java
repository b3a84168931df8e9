/**
 * Bindings to the operating system, one handwritten class a library, with the constants and
 * structure layouts they need. The only package that calls {@link java.lang.foreign.Linker}. Knows
 * nothing of readiness, fibers or scheduling, and depends on nothing else of the runtime.
 */
@NullMarked
package cloud.avila.avx.internal.sys;

import org.jspecify.annotations.NullMarked;
