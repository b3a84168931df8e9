package cloud.avila.avx.benchmarks.spring;

/**
 * What the endpoints answer, as JSON.
 *
 * @param id a number
 * @param message a text
 */
public record Greeting(long id, String message) {}
