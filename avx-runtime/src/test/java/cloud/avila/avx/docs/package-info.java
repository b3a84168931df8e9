/** The examples of README and of the pages under docs/, as code that compiles and runs. */
@NullMarked
package cloud.avila.avx.docs;

import org.jspecify.annotations.NullMarked;
