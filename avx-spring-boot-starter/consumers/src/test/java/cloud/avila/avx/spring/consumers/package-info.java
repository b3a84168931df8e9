/** The parts of Spring that use AVX's executors, in one running application. */
@NullMarked
package cloud.avila.avx.spring.consumers;

import org.jspecify.annotations.NullMarked;
