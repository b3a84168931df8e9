/**
 * Rules that hold for the whole module and that no compiler checks: which package may use which,
 * what the public types may show, what the module exports.
 *
 * <p>May look at every class of the runtime; nothing depends on it.
 */
@NullMarked
package cloud.avila.avx.architecture;

import org.jspecify.annotations.NullMarked;
