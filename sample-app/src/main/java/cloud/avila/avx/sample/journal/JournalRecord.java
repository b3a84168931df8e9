package cloud.avila.avx.sample.journal;

import cloud.avila.avx.sample.line.Sample;

/**
 * A sample as read back.
 *
 * @param sample the sample
 * @param receivedMillis when it was journalled, in epoch milliseconds
 */
public record JournalRecord(Sample sample, long receivedMillis) {}
