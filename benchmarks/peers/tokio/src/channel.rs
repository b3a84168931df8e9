//! Tokio's `mpsc` in the shapes of the group `channel` that are not in `workload`.

use std::hint::black_box;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::workload::{Tally, sum_below};

pub const MESSAGES: u32 = 50_000;
pub const CHANNELS: u32 = 10_000;
pub const ALONE: u32 = 5_000;
pub const LINKS: u32 = 1_000;
pub const LINK_MESSAGES: u32 = 100;
const PRODUCERS: u32 = 5;

/// Five producers and one consumer, which take turns at a channel that is mostly full.
pub fn contended(runtime: &Runtime, capacity: usize) -> Result<(), String> {
    piped(runtime, capacity, PRODUCERS)
}

/// One producer and one consumer.
pub fn paired(runtime: &Runtime, capacity: usize) -> Result<(), String> {
    piped(runtime, capacity, 1)
}

fn piped(runtime: &Runtime, capacity: usize, producers: u32) -> Result<(), String> {
    let each = MESSAGES / producers;
    let (tally, done) = Tally::new(1, u64::from(producers) * sum_below(each));
    let counting = tally.clone();
    runtime.spawn(async move {
        let (sender, mut receiver) = mpsc::channel::<u32>(capacity);
        for _ in 0..producers {
            let sender = sender.clone();
            tokio::spawn(async move {
                for i in 0..each {
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

pub fn create(_: &Runtime) -> Result<(), String> {
    for _ in 0..CHANNELS {
        black_box(mpsc::channel::<u32>(1_000));
    }
    Ok(())
}

pub fn alone_bounded(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(1, sum_below(ALONE));
    let counting = tally.clone();
    runtime.spawn(async move {
        let (sender, mut receiver) = mpsc::channel::<u32>(ALONE as usize);
        for i in 0..ALONE {
            if sender.send(i).await.is_err() {
                return;
            }
        }
        let mut sum = 0;
        for _ in 0..ALONE {
            sum += u64::from(receiver.recv().await.unwrap_or(0));
        }
        counting.add(sum);
    });
    tally.wait(&done)
}

pub fn alone_unbounded(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(1, sum_below(ALONE));
    let counting = tally.clone();
    runtime.spawn(async move {
        let (sender, mut receiver) = mpsc::unbounded_channel::<u32>();
        for i in 0..ALONE {
            if sender.send(i).is_err() {
                return;
            }
        }
        let mut sum = 0;
        for _ in 0..ALONE {
            sum += u64::from(receiver.recv().await.unwrap_or(0));
        }
        counting.add(sum);
    });
    tally.wait(&done)
}

/// Each link receives from the one before and sends to the next.
pub fn chained(runtime: &Runtime, capacity: usize) -> Result<(), String> {
    let (tally, done) = Tally::new(1, sum_below(LINK_MESSAGES));
    let counting = tally.clone();
    runtime.spawn(async move {
        let (first, mut last) = mpsc::channel::<u32>(capacity);
        for _ in 1..LINKS {
            let (sender, receiver) = mpsc::channel::<u32>(capacity);
            let mut from = std::mem::replace(&mut last, receiver);
            tokio::spawn(async move {
                while let Some(message) = from.recv().await {
                    if sender.send(message).await.is_err() {
                        return;
                    }
                }
            });
        }
        tokio::spawn(async move {
            for i in 0..LINK_MESSAGES {
                if first.send(i).await.is_err() {
                    return;
                }
            }
        });
        let mut sum = 0;
        while let Some(message) = last.recv().await {
            sum += u64::from(message);
        }
        counting.add(sum);
    });
    tally.wait(&done)
}
