package cloud.avila.avx.benchmarks.workload;

/** The cases of the group {@code channel}. */
final class Channels {
    private Channels() {}

    static Workload open(String id, String contestant, int workers) {
        if (PollEventCase.has(id)) {
            return PollEventCase.open(id, contestant, workers);
        }
        return EventCase.has(id)
                ? EventCase.open(id, contestant, workers)
                : ChannelCase.of(id).open(contestant, workers);
    }
}
