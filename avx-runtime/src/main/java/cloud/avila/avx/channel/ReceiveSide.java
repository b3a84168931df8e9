package cloud.avila.avx.channel;

/** What the views of a {@link Receiver} need to know of it. Called by the thread that receives. */
interface ReceiveSide extends Selectable {
    /** Whether an attempt to receive would find something: a message, a lag or the end. */
    boolean isReady();

    /** Whether an attempt to receive would find the end. */
    boolean isDrained();
}
