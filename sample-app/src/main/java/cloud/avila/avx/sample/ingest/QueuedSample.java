package cloud.avila.avx.sample.ingest;

import cloud.avila.avx.sample.line.Sample;

/**
 * A sample on its way to the journal.
 *
 * @param protocol how it came
 * @param sample the sample
 */
public record QueuedSample(Protocol protocol, Sample sample) {}
