/**
 * What lines carry: samples, canonical series names, reasons for refusal, and the cutting of byte
 * streams into lines. Depends on no other package of the gateway.
 */
@NullMarked
package cloud.avila.avx.sample.line;

import org.jspecify.annotations.NullMarked;
