/**
 * Long randomised runs of the whole runtime, see {@link cloud.avila.avx.stress.MixedStress}. May
 * use everything that is exported, and nothing that is not.
 */
@NullMarked
package cloud.avila.avx.stress;

import org.jspecify.annotations.NullMarked;
