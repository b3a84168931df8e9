//! The cases, in the shapes and sizes of the JVM side. Each checks that every task or message was
//! handled exactly once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{channel, events, latency, sync, timer};

const SPAWNS: u32 = 10_000;
const LINKS: u32 = 1_000;
const PINGS: u32 = 1_000;
const TURNS: u32 = 100_000;
const YIELDS: u32 = 200_000;
const YIELDING_TASKS: u32 = 200;
const BUSY_SPAWNS: u32 = 1_000;
const LEAVES: u64 = 1_000_000;
const SKYNET_TASKS: u32 = 1_111_111;
const BLOCKING_TASKS: u32 = 4;
const BLOCKING_BATCHES: u32 = 100;
const BLOCKING_BATCH: u32 = 16;
const MESSAGES: u32 = 50_000;
const PRODUCERS: u32 = 5;
const CAPACITY: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a workload once and checks its result.
pub type Run = fn(&Runtime) -> Result<(), String>;

pub enum Workload {
    /// Its one value is the time of a run, divided by so many operations.
    Timed(u32, Run),
    /// Gives a value for each of its rows itself.
    Values(
        &'static [&'static str],
        fn(&Runtime) -> Result<Vec<f64>, String>,
    ),
}

/// Finds a case. Tokio has one kind of task, so jobs and fibers have the same peers.
pub fn find(group: &str, case: &str) -> Result<Workload, String> {
    use Workload::{Timed, Values};
    Ok(match (group, case) {
        ("spawn", "job-local" | "fiber-spawn" | "poll-spawn") => Timed(SPAWNS, local),
        ("spawn", "job-remote" | "fiber-spawn-remote") => Timed(SPAWNS, remote),
        ("spawn", "fiber-joined") => Timed(SPAWNS, |r| joined(r, SPAWNS)),
        ("spawn", "fiber-joined-busy-yield") => Timed(SPAWNS, joined_busy_yielding),
        ("spawn", "fiber-joined-busy-spawn") => Timed(BUSY_SPAWNS, joined_busy_spawning),
        ("spawn", "job-remote-busy") => Timed(BUSY_SPAWNS, remote_busy),
        ("spawn", "job-chained" | "fiber-chained") => Timed(LINKS, chained),
        ("spawn", "job-ping-pong" | "fiber-ping-pong" | "poll-ping-pong") => {
            Timed(PINGS, ping_pong)
        }
        ("spawn", "fiber-token") => Timed(TURNS, token),
        ("spawn", "fiber-yield" | "poll-yield") => Timed(YIELDS, yields),
        ("spawn", "fiber-skynet") => Timed(SKYNET_TASKS, skynet),
        ("spawn", "blocking-spawn") => {
            Timed(BLOCKING_TASKS * BLOCKING_BATCHES * BLOCKING_BATCH, blocking)
        }
        ("channel", "mpsc-bounded") => Timed(MESSAGES, mpsc_bounded),
        ("channel", "mpsc-unbounded") => Timed(MESSAGES, mpsc_unbounded),
        ("channel", "mpsc-full") => Timed(channel::MESSAGES, |r| channel::contended(r, 100)),
        ("channel", "mpsc-create") => Timed(channel::CHANNELS, channel::create),
        ("channel", "mpsc-alone-bounded") => Timed(channel::ALONE, channel::alone_bounded),
        ("channel", "mpsc-alone-unbounded") => Timed(channel::ALONE, channel::alone_unbounded),
        ("channel", "buffered-16") => Timed(channel::MESSAGES, |r| channel::paired(r, 16)),
        ("channel", "buffered-100") => Timed(channel::MESSAGES, |r| channel::paired(r, 100)),
        ("channel", "chained-16") => Timed(channel::LINKS * channel::LINK_MESSAGES, |r| {
            channel::chained(r, 16)
        }),
        ("sync", "mutex-uncontended") => {
            Timed(sync::LOCKS_ALONE, |r| sync::locks(r, 1, sync::LOCKS_ALONE))
        }
        ("sync", "mutex-2") => Timed(sync::LOCKS, |r| sync::locks(r, 2, sync::LOCKS)),
        ("sync", "mutex-8") => Timed(sync::LOCKS, |r| sync::locks(r, 8, sync::LOCKS)),
        ("sync", "mutex-64") => Timed(sync::LOCKS, |r| sync::locks(r, 64, sync::LOCKS)),
        ("sync", "rwlock-read-mostly") => Timed(sync::READS, sync::reads),
        ("sync", "semaphore-uncontended") => {
            Timed(sync::PERMITS, |r| sync::permits(r, 10, sync::PERMITS))
        }
        ("sync", "semaphore-contended") => Timed(sync::YIELDED_PERMITS, |r| {
            sync::permits(r, 5, sync::YIELDED_PERMITS)
        }),
        ("sync", "notify-one") => Timed(sync::RINGS, |r| sync::rings(r, false)),
        ("sync", "notify-all") => Timed(sync::RINGS, |r| sync::rings(r, true)),
        ("sync", "barrier-8") => Timed(sync::MEETINGS, sync::meetings),
        ("channel", "broadcast-10" | "poll-broadcast-10") => {
            Timed(events::ROUNDS * 10, |r| events::broadcast(r, 10))
        }
        ("channel", "broadcast-100" | "poll-broadcast-100") => {
            Timed(events::ROUNDS * 100, |r| events::broadcast(r, 100))
        }
        ("channel", "broadcast-1000" | "poll-broadcast-1000") => {
            Timed(events::ROUNDS * 1_000, |r| events::broadcast(r, 1_000))
        }
        ("channel", "watch-10" | "poll-watch-10") => {
            Timed(events::ROUNDS * 10, |r| events::watch(r, 10))
        }
        ("channel", "watch-100" | "poll-watch-100") => {
            Timed(events::ROUNDS * 100, |r| events::watch(r, 100))
        }
        ("channel", "watch-1000" | "poll-watch-1000") => {
            Timed(events::ROUNDS * 1_000, |r| events::watch(r, 1_000))
        }
        ("channel", "oneshot" | "poll-oneshot") => Timed(events::REQUESTS, events::requests),
        ("timer", "pending") => Values(&["schedule", "cancel"], timer::pending),
        ("timer", "fiber-timeout") => Timed(timer::TIMEOUTS, timer::timeouts),
        ("timer", "fiber-sleep") => Timed(timer::SLEEPS, timer::sleeps),
        ("latency", "among-yields") => Values(&latency::AMONG_YIELDS, latency::among_yields),
        ("latency", "among-spawns") => Values(&latency::AMONG_SPAWNS, latency::among_spawns),
        ("stall", "endless-loops") => Values(&latency::STALL_ROWS, latency::stall),
        _ => return Err(format!("no case {group}/{case}")),
    })
}

/// Counts events and sums their values with one atomic addition each.
pub struct Tally {
    count_and_sum: AtomicU64,
    expected_count: u64,
    expected_sum: u64,
    complete: SyncSender<()>,
}

const COUNT_SHIFT: u32 = 40;

impl Tally {
    pub fn new(expected_count: u32, expected_sum: u64) -> (Arc<Tally>, Receiver<()>) {
        let (complete, done) = sync_channel(1);
        let tally = Tally {
            count_and_sum: AtomicU64::new(0),
            expected_count: u64::from(expected_count),
            expected_sum,
            complete,
        };
        (Arc::new(tally), done)
    }

    pub fn add(&self, value: u64) {
        let event = (1 << COUNT_SHIFT) + value;
        let now = self.count_and_sum.fetch_add(event, Ordering::Relaxed) + event;
        if now >> COUNT_SHIFT == self.expected_count {
            // Fails only if an event came twice, which the sum shows.
            let _ = self.complete.try_send(());
        }
    }

    pub fn wait(&self, done: &Receiver<()>) -> Result<(), String> {
        let late = match done.recv_timeout(PATIENCE) {
            Ok(()) => false,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => true,
        };
        let seen = self.count_and_sum.load(Ordering::Relaxed);
        let (count, sum) = (seen >> COUNT_SHIFT, seen & ((1 << COUNT_SHIFT) - 1));
        if late || count != self.expected_count || sum != self.expected_sum {
            return Err(format!(
                "expected {} events with the sum {}, but got {count} with the sum {sum}",
                self.expected_count, self.expected_sum
            ));
        }
        Ok(())
    }
}

pub fn sum_below(n: u32) -> u64 {
    u64::from(n) * (u64::from(n) - 1) / 2
}

fn local(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(SPAWNS, sum_below(SPAWNS));
    let counting = tally.clone();
    runtime.spawn(async move {
        for i in 0..SPAWNS {
            let counting = counting.clone();
            tokio::spawn(async move { counting.add(u64::from(i)) });
        }
    });
    tally.wait(&done)
}

fn remote(runtime: &Runtime) -> Result<(), String> {
    spawn_counted(runtime, SPAWNS)
}

fn spawn_counted(runtime: &Runtime, tasks: u32) -> Result<(), String> {
    let (tally, done) = Tally::new(tasks, sum_below(tasks));
    for i in 0..tasks {
        let counting = tally.clone();
        runtime.spawn(async move { counting.add(u64::from(i)) });
    }
    tally.wait(&done)
}

/// Spawns from outside, then asks each task for its result.
fn joined(runtime: &Runtime, tasks: u32) -> Result<(), String> {
    let handles: Vec<_> = (0..tasks)
        .map(|i| runtime.spawn(async move { i }))
        .collect();
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for handle in handles {
            sum += u64::from(handle.await.map_err(|e| e.to_string())?);
        }
        Ok::<u64, String>(sum)
    })?;
    check_sum(sum, sum_below(tasks))
}

fn check_sum(sum: u64, expected: u64) -> Result<(), String> {
    if sum == expected {
        Ok(())
    } else {
        Err(format!("the results add up to {sum}, not {expected}"))
    }
}

/// Tasks of 10 microseconds each that keep all workers busy until it is stopped.
pub struct Load {
    stopped: AtomicBool,
    ended: Arc<Tally>,
    per_turn: Box<dyn Fn() + Send + Sync>,
}

impl Load {
    /// Runs something while the load is on.
    pub fn during<T>(
        runtime: &Runtime,
        tasks: u32,
        yielding: bool,
        per_turn: Box<dyn Fn() + Send + Sync>,
        body: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        let (ended, done) = Tally::new(tasks, u64::from(tasks));
        let load = Arc::new(Load {
            stopped: AtomicBool::new(false),
            ended,
            per_turn,
        });
        for _ in 0..tasks {
            let load = load.clone();
            if yielding {
                runtime.spawn(load.compute_and_yield());
            } else {
                runtime.spawn(async move { load.compute_and_respawn() });
            }
        }
        let result = body();
        load.stopped.store(true, Ordering::Release);
        load.ended.wait(&done)?;
        result
    }

    async fn compute_and_yield(self: Arc<Load>) {
        while !self.stopped.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
            compute();
            (self.per_turn)();
        }
        self.ended.add(1);
    }

    fn compute_and_respawn(self: Arc<Load>) {
        if self.stopped.load(Ordering::Acquire) {
            self.ended.add(1);
        } else {
            compute();
            (self.per_turn)();
            tokio::spawn(async move { self.compute_and_respawn() });
        }
    }
}

fn compute() {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_micros(10) {
        std::hint::spin_loop();
    }
}

fn remote_busy(runtime: &Runtime) -> Result<(), String> {
    Load::during(runtime, 4, false, Box::new(|| {}), || {
        spawn_counted(runtime, BUSY_SPAWNS)
    })
}

fn joined_busy_yielding(runtime: &Runtime) -> Result<(), String> {
    Load::during(runtime, 8, true, Box::new(|| {}), || {
        joined(runtime, SPAWNS)
    })
}

fn joined_busy_spawning(runtime: &Runtime) -> Result<(), String> {
    Load::during(runtime, 4, false, Box::new(|| {}), || {
        joined(runtime, BUSY_SPAWNS)
    })
}

fn skynet(runtime: &Runtime) -> Result<(), String> {
    fn subtree(first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if leaves == 1 {
                return first;
            }
            let each = leaves / 10;
            let children: Vec<_> = (0..10)
                .map(|i| tokio::spawn(subtree(first + i * each, each)))
                .collect();
            let mut sum = 0;
            for child in children {
                // a panic ends the process
                sum += child.await.unwrap_or(0);
            }
            sum
        })
    }
    let root = runtime.spawn(subtree(0, LEAVES));
    let sum = runtime.block_on(root).map_err(|e| e.to_string())?;
    check_sum(sum, LEAVES * (LEAVES - 1) / 2)
}

fn blocking(runtime: &Runtime) -> Result<(), String> {
    let tasks: Vec<_> = (0..BLOCKING_TASKS)
        .map(|_| {
            runtime.spawn(async {
                let mut sum = 0;
                for _ in 0..BLOCKING_BATCHES {
                    let batch: Vec<_> = (0..BLOCKING_BATCH)
                        .map(|i| tokio::task::spawn_blocking(move || i))
                        .collect();
                    for handle in batch {
                        sum += u64::from(handle.await.unwrap_or(0));
                    }
                }
                sum
            })
        })
        .collect();
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for task in tasks {
            sum += task.await.map_err(|e| e.to_string())?;
        }
        Ok::<u64, String>(sum)
    })?;
    check_sum(
        sum,
        u64::from(BLOCKING_TASKS * BLOCKING_BATCHES) * sum_below(BLOCKING_BATCH),
    )
}

fn chained(runtime: &Runtime) -> Result<(), String> {
    fn link(tally: Arc<Tally>, position: u32) {
        if position == LINKS {
            tally.add(u64::from(position));
        } else {
            tokio::spawn(async move { link(tally, position + 1) });
        }
    }
    let (tally, done) = Tally::new(1, u64::from(LINKS));
    let counting = tally.clone();
    runtime.spawn(async move { link(counting, 1) });
    tally.wait(&done)
}

fn ping_pong(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(PINGS, sum_below(PINGS));
    let counting = tally.clone();
    runtime.spawn(async move {
        for ping in 0..PINGS {
            let counting = counting.clone();
            tokio::spawn(async move {
                let (there, arrival) = oneshot::channel::<()>();
                let (answer, back) = oneshot::channel::<()>();
                tokio::spawn(async move {
                    if arrival.await.is_ok() {
                        let _ = answer.send(());
                    }
                });
                let _ = there.send(());
                if back.await.is_ok() {
                    counting.add(u64::from(ping));
                }
            });
        }
    });
    tally.wait(&done)
}

fn token(runtime: &Runtime) -> Result<(), String> {
    struct Member {
        turn: AtomicBool,
        wake: Notify,
    }
    let members: Arc<[Member; 2]> = Arc::new([true, false].map(|turn| Member {
        turn: AtomicBool::new(turn),
        wake: Notify::new(),
    }));
    let (tally, done) = Tally::new(2, u64::from(TURNS));
    for me in 0..2 {
        let members = members.clone();
        let tally = tally.clone();
        runtime.spawn(async move {
            let (own, other) = (&members[me], &members[1 - me]);
            let mut turns = 0;
            while turns < TURNS / 2 {
                while !own.turn.swap(false, Ordering::AcqRel) {
                    own.wake.notified().await;
                }
                turns += 1;
                other.turn.store(true, Ordering::Release);
                other.wake.notify_one();
            }
            tally.add(u64::from(turns));
        });
    }
    tally.wait(&done)
}

fn yields(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(YIELDING_TASKS, u64::from(YIELDS));
    for _ in 0..YIELDING_TASKS {
        let tally = tally.clone();
        runtime.spawn(async move {
            let mut done = 0;
            while done < YIELDS / YIELDING_TASKS {
                tokio::task::yield_now().await;
                done += 1;
            }
            tally.add(u64::from(done));
        });
    }
    tally.wait(&done)
}

fn mpsc_sum() -> u64 {
    u64::from(PRODUCERS) * sum_below(MESSAGES / PRODUCERS)
}

fn mpsc_bounded(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(1, mpsc_sum());
    let counting = tally.clone();
    runtime.spawn(async move {
        let (sender, mut receiver) = mpsc::channel::<u32>(CAPACITY);
        for _ in 0..PRODUCERS {
            let sender = sender.clone();
            tokio::spawn(async move {
                for i in 0..MESSAGES / PRODUCERS {
                    if sender.send(i).await.is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut sum = 0;
        while let Some(message) = receiver.recv().await {
            sum += u64::from(message);
        }
        counting.add(sum);
    });
    tally.wait(&done)
}

fn mpsc_unbounded(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(1, mpsc_sum());
    let counting = tally.clone();
    runtime.spawn(async move {
        let (sender, mut receiver) = mpsc::unbounded_channel::<u32>();
        for _ in 0..PRODUCERS {
            let sender = sender.clone();
            tokio::spawn(async move {
                for i in 0..MESSAGES / PRODUCERS {
                    if sender.send(i).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut sum = 0;
        while let Some(message) = receiver.recv().await {
            sum += u64::from(message);
        }
        counting.add(sum);
    });
    tally.wait(&done)
}
