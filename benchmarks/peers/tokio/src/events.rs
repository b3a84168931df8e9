//! Tokio's `broadcast`, `watch` and `oneshot` in the shapes of the group `channel`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};

use crate::workload::{Tally, sum_below};

pub const ROUNDS: u32 = 100;
pub const REQUESTS: u32 = 10_000;

/// Counts down a round, and tells the sender at its end.
struct Round {
    missing: AtomicU32,
    over: Notify,
}

impl Round {
    fn new() -> Arc<Round> {
        Arc::new(Round { missing: AtomicU32::new(0), over: Notify::new() })
    }

    fn received(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.over.notify_one();
        }
    }

    fn begin(&self, receivers: u32) {
        self.missing.store(receivers, Ordering::Release);
    }

    async fn wait(&self) {
        while self.missing.load(Ordering::Acquire) > 0 {
            self.over.notified().await;
        }
    }
}

/// Each message is sent when all have received the one before.
pub fn broadcast(runtime: &Runtime, receivers: u32) -> Result<(), String> {
    let (tally, done) = Tally::new(receivers, u64::from(receivers) * sum_below(ROUNDS));
    let counting = tally.clone();
    runtime.spawn(async move {
        let round = Round::new();
        let (sender, _) = broadcast::channel::<u32>(1_000);
        for _ in 0..receivers {
            let (round, tally, mut receiver) =
                (round.clone(), counting.clone(), sender.subscribe());
            tokio::spawn(async move {
                let mut sum = 0;
                for _ in 0..ROUNDS {
                    sum += u64::from(receiver.recv().await.unwrap_or(0));
                    round.received();
                }
                tally.add(sum);
            });
        }
        for i in 0..ROUNDS {
            round.begin(receivers);
            if sender.send(i).is_err() {
                return;
            }
            round.wait().await;
        }
    });
    tally.wait(&done)
}

/// The same with the latest value.
pub fn watch(runtime: &Runtime, receivers: u32) -> Result<(), String> {
    let (tally, done) = Tally::new(receivers, u64::from(receivers) * sum_below(ROUNDS));
    let counting = tally.clone();
    runtime.spawn(async move {
        let round = Round::new();
        let (sender, first) = watch::channel::<u32>(u32::MAX);
        for _ in 0..receivers {
            let (round, tally, mut receiver) = (round.clone(), counting.clone(), first.clone());
            tokio::spawn(async move {
                let mut sum = 0;
                for _ in 0..ROUNDS {
                    if receiver.changed().await.is_err() {
                        return;
                    }
                    sum += u64::from(*receiver.borrow_and_update());
                    round.received();
                }
                tally.add(sum);
            });
        }
        for i in 0..ROUNDS {
            round.begin(receivers);
            if sender.send(i).is_err() {
                return;
            }
            round.wait().await;
        }
    });
    tally.wait(&done)
}

/// One task asks, another answers.
pub fn requests(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(1, sum_below(REQUESTS));
    let counting = tally.clone();
    runtime.spawn(async move {
        let (sender, mut receiver) = mpsc::channel::<(u32, oneshot::Sender<u32>)>(16);
        tokio::spawn(async move {
            while let Some((number, reply)) = receiver.recv().await {
                let _ = reply.send(number);
            }
        });
        let mut sum = 0;
        for i in 0..REQUESTS {
            let (reply, answer) = oneshot::channel();
            if sender.send((i, reply)).await.is_err() {
                return;
            }
            sum += u64::from(answer.await.unwrap_or(0));
        }
        counting.add(sum);
    });
    tally.wait(&done)
}
