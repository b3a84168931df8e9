//! The group `sync`: tasks that share one mutex, semaphore, `Notify` or barrier.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Mutex, Notify, RwLock, Semaphore};

use crate::workload::Tally;

pub const LOCKS_ALONE: u32 = 100_000;
pub const LOCKS: u32 = 32_000;
pub const READS: u32 = 32_000;
pub const PERMITS: u32 = 30_000;
pub const YIELDED_PERMITS: u32 = 6_000;
pub const RINGS: u32 = 10_000;
pub const MEETINGS: u32 = 8_000;

const READERS: u32 = 8;
const READS_PER_WRITE: u32 = 100;
const TAKERS: u32 = 6;
const LISTENERS: u32 = 10;
const PARTIES: u32 = 8;

/// Some tasks that each do the same a number of times.
fn together<T, F>(runtime: &Runtime, tasks: u32, task: impl Fn() -> F) -> Result<(), String>
where
    F: Future<Output = T> + Send + 'static,
    T: Into<u64>,
{
    let (tally, done) = Tally::new(tasks, u64::from(tasks));
    for _ in 0..tasks {
        let tally = tally.clone();
        let body = task();
        runtime.spawn(async move { tally.add(body.await.into()) });
    }
    tally.wait(&done)
}

pub fn locks(runtime: &Runtime, tasks: u32, operations: u32) -> Result<(), String> {
    let count = Arc::new(Mutex::new(0_u32));
    let times = operations / tasks;
    together(runtime, tasks, || {
        let count = count.clone();
        async move {
            for _ in 0..times {
                *count.lock().await += 1;
            }
            1_u32
        }
    })?;
    let counted = *count.try_lock().map_err(|e| e.to_string())?;
    if counted == operations {
        Ok(())
    } else {
        Err(format!("the lock was held {operations} times, but {counted} counted"))
    }
}

pub fn reads(runtime: &Runtime) -> Result<(), String> {
    let count = Arc::new(RwLock::new(0_u32));
    let times = READS / READERS;
    together(runtime, READERS, || {
        let count = count.clone();
        async move {
            let mut last = 0;
            for i in 0..times {
                if i % READS_PER_WRITE == 0 {
                    *count.write().await += 1;
                } else {
                    last = *count.read().await;
                }
            }
            u32::from(last >= times / READS_PER_WRITE)
        }
    })?;
    let counted = *count.try_read().map_err(|e| e.to_string())?;
    if counted == READS / READS_PER_WRITE {
        Ok(())
    } else {
        Err(format!("{counted} writes counted instead of {}", READS / READS_PER_WRITE))
    }
}

pub fn permits(runtime: &Runtime, permits: usize, operations: u32) -> Result<(), String> {
    let semaphore = Arc::new(Semaphore::new(permits));
    let contended = permits < TAKERS as usize;
    together(runtime, TAKERS, || {
        let semaphore = semaphore.clone();
        async move {
            for _ in 0..operations / TAKERS {
                let Ok(permit) = semaphore.acquire().await else {
                    return 0_u32;
                };
                if contended {
                    tokio::task::yield_now().await;
                }
                drop(permit);
            }
            1
        }
    })
}

pub fn meetings(runtime: &Runtime) -> Result<(), String> {
    let barrier = Arc::new(Barrier::new(PARTIES as usize));
    together(runtime, PARTIES, || {
        let barrier = barrier.clone();
        async move {
            for _ in 0..MEETINGS / PARTIES {
                barrier.wait().await;
            }
            1_u32
        }
    })
}

/// Rings, and yields, until so many have woken.
pub fn rings(runtime: &Runtime, all: bool) -> Result<(), String> {
    let bell = Arc::new(Notify::new());
    let woken = Arc::new(AtomicU32::new(0));
    let ended = Arc::new(AtomicU32::new(0));
    let (tally, done) = Tally::new(LISTENERS, u64::from(LISTENERS));
    for _ in 0..LISTENERS {
        let (bell, woken, tally) = (bell.clone(), woken.clone(), tally.clone());
        let ended = ended.clone();
        runtime.spawn(async move {
            while woken.load(Ordering::SeqCst) < RINGS {
                bell.notified().await;
                woken.fetch_add(1, Ordering::SeqCst);
            }
            tally.add(1);
            ended.fetch_add(1, Ordering::SeqCst);
        });
    }
    runtime.spawn(async move {
        while woken.load(Ordering::SeqCst) < RINGS {
            if all {
                bell.notify_waiters();
            } else {
                bell.notify_one();
            }
            tokio::task::yield_now().await;
        }
        while ended.load(Ordering::SeqCst) < LISTENERS {
            bell.notify_waiters();
            tokio::task::yield_now().await;
        }
    });
    tally.wait(&done)
}
