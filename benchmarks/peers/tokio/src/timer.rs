//! The cases of the group `timer`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::{Sleep, sleep, timeout};

use crate::workload::{Tally, sum_below};

pub const TIMEOUTS: u32 = 100_000;
pub const SLEEPS: u32 = 100_000;
const TIMERS: u32 = 1_000_000;
const CHUNK: u32 = 10_000;
const TIMEOUT_TASKS: u32 = 8;
const SLEEPING_TASKS: u32 = 10_000;
const HOUR_NANOS: u64 = 3_600_000_000_000;

type Timer = Pin<Box<Sleep>>;

/// Sets a million timers that are due in an hour or two, then drops them in another order, in tasks
/// of 10 000. A timer of Tokio is set when its future is polled first, and cancelled when that is
/// dropped.
pub fn pending(runtime: &Runtime) -> Result<Vec<f64>, String> {
    let mut random = 1;
    let mut delays = || -> Vec<Duration> {
        let delay = |_| Duration::from_nanos(HOUR_NANOS + next(&mut random) % HOUR_NANOS);
        (0..CHUNK).map(delay).collect()
    };
    let work: Vec<_> = (0..TIMERS / CHUNK).map(|_| delays()).collect();
    let begin = Instant::now();
    let tasks = work.into_iter().map(|delays| runtime.spawn(async move { set(delays) }));
    let tasks: Vec<_> = tasks.collect();
    let mut timers = Vec::with_capacity(TIMERS as usize);
    for task in tasks {
        timers.push(runtime.block_on(task).map_err(|e| e.to_string())??);
    }
    let scheduled = begin.elapsed();
    let mut timers: Vec<Timer> = timers.into_iter().flatten().collect();
    for i in (1..timers.len()).rev() {
        timers.swap(i, (next(&mut random) % (i as u64 + 1)) as usize);
    }
    let mut work = Vec::new();
    while !timers.is_empty() {
        work.push(timers.split_off(timers.len() - CHUNK as usize));
    }
    let begin = Instant::now();
    let tasks = work.into_iter().map(|chunk| runtime.spawn(async move { drop(chunk) }));
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        runtime.block_on(task).map_err(|e| e.to_string())?;
    }
    let cancelled = begin.elapsed();
    let each = |time: Duration| time.as_nanos() as f64 / f64::from(TIMERS);
    Ok(vec![each(scheduled), each(cancelled)])
}

fn set(delays: Vec<Duration>) -> Result<Vec<Timer>, String> {
    let mut context = Context::from_waker(Waker::noop());
    let mut timers = Vec::with_capacity(delays.len());
    for delay in delays {
        let mut timer = Box::pin(sleep(delay));
        if timer.as_mut().poll(&mut context) != Poll::Pending {
            return Err("a timer due in an hour has fired".to_string());
        }
        timers.push(timer);
    }
    Ok(timers)
}

/// A xorshift generator.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Something short under a timeout of a second, which never comes.
pub fn timeouts(runtime: &Runtime) -> Result<(), String> {
    let each = TIMEOUTS / TIMEOUT_TASKS;
    let (tally, done) = Tally::new(TIMEOUT_TASKS, u64::from(TIMEOUT_TASKS) * sum_below(each));
    for _ in 0..TIMEOUT_TASKS {
        let tally = tally.clone();
        runtime.spawn(async move {
            let mut sum = 0;
            for i in 0..each {
                let limited = timeout(Duration::from_secs(1), async { u64::from(i) });
                sum += limited.await.unwrap_or(0);
            }
            tally.add(sum);
        });
    }
    tally.wait(&done)
}

pub fn sleeps(runtime: &Runtime) -> Result<(), String> {
    let (tally, done) = Tally::new(SLEEPING_TASKS, u64::from(SLEEPS));
    for _ in 0..SLEEPING_TASKS {
        let tally = tally.clone();
        runtime.spawn(async move {
            let mut done = 0;
            while done < SLEEPS / SLEEPING_TASKS {
                sleep(Duration::from_millis(1)).await;
                done += 1;
            }
            tally.add(u64::from(done));
        });
    }
    tally.wait(&done)
}
