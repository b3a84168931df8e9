//! The cases, in the shapes and sizes of the JVM side. Each checks that every task or message was
//! handled exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc, oneshot};

const SPAWNS: u32 = 10_000;
const LINKS: u32 = 1_000;
const PINGS: u32 = 1_000;
const TURNS: u32 = 100_000;
const YIELDS: u32 = 200_000;
const YIELDING_TASKS: u32 = 200;
const MESSAGES: u32 = 50_000;
const PRODUCERS: u32 = 5;
const CAPACITY: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);

type Run = fn(&Runtime) -> Result<(), String>;

pub struct Workload {
    /// How many operations one run performs.
    pub operations: u32,
    /// Runs the workload once and checks its result.
    pub run: Run,
}

/// Finds a case. Tokio has one kind of task, so jobs and fibers have the same peers.
pub fn find(group: &str, case: &str) -> Result<Workload, String> {
    let (operations, run): (u32, Run) = match (group, case) {
        ("spawn", "job-local" | "fiber-spawn") => (SPAWNS, local),
        ("spawn", "job-remote" | "fiber-spawn-remote") => (SPAWNS, remote),
        ("spawn", "job-chained" | "fiber-chained") => (LINKS, chained),
        ("spawn", "job-ping-pong" | "fiber-ping-pong") => (PINGS, ping_pong),
        ("spawn", "fiber-token") => (TURNS, token),
        ("spawn", "fiber-yield") => (YIELDS, yields),
        ("channel", "mpsc-bounded") => (MESSAGES, mpsc_bounded),
        ("channel", "mpsc-unbounded") => (MESSAGES, mpsc_unbounded),
        _ => return Err(format!("no case {group}/{case}")),
    };
    Ok(Workload { operations, run })
}

/// Counts events and sums their values with one atomic addition each.
struct Tally {
    count_and_sum: AtomicU64,
    expected_count: u64,
    expected_sum: u64,
    complete: SyncSender<()>,
}

const COUNT_SHIFT: u32 = 40;

impl Tally {
    fn new(expected_count: u32, expected_sum: u64) -> (Arc<Tally>, Receiver<()>) {
        let (complete, done) = sync_channel(1);
        let tally = Tally {
            count_and_sum: AtomicU64::new(0),
            expected_count: u64::from(expected_count),
            expected_sum,
            complete,
        };
        (Arc::new(tally), done)
    }

    fn add(&self, value: u64) {
        let event = (1 << COUNT_SHIFT) + value;
        let now = self.count_and_sum.fetch_add(event, Ordering::Relaxed) + event;
        if now >> COUNT_SHIFT == self.expected_count {
            // Fails only if an event came twice, which the sum shows.
            let _ = self.complete.try_send(());
        }
    }

    fn wait(&self, done: &Receiver<()>) -> Result<(), String> {
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

fn sum_below(n: u32) -> u64 {
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
    let (tally, done) = Tally::new(SPAWNS, sum_below(SPAWNS));
    for i in 0..SPAWNS {
        let counting = tally.clone();
        runtime.spawn(async move { counting.add(u64::from(i)) });
    }
    tally.wait(&done)
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
