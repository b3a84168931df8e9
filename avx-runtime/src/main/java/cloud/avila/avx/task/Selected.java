package cloud.avila.avx.task;

import org.jspecify.annotations.Nullable;

/**
 * Which future was ready first, see {@link Futures#select}.
 *
 * @param index its place in the list that was given, from 0
 * @param value what it became
 * @param <T> the value's type
 */
public record Selected<T extends @Nullable Object>(int index, T value) {}
