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
const TIMEOUT_TASKS: u32 = 8;
const SLEEPING_TASKS: u32 = 10_000;
const HOUR_NANOS: u64 = 3_600_000_000_000;

/// Sets a million timers that are due in an hour or two, then drops them in another order. A timer
/// of Tokio is set when its future is polled first, and cancelled when that is dropped.
pub fn pending(runtime: &Runtime) -> Result<Vec<f64>, String> {
    let _entered = runtime.enter();
    let mut random = 1;
    let mut order: Vec<u32> = Vec::with_capacity(TIMERS as usize);
    let mut delays = Vec::with_capacity(TIMERS as usize);
    for i in 0..TIMERS {
        let drawn = next(&mut random);
        delays.push(Duration::from_nanos(HOUR_NANOS + drawn % HOUR_NANOS));
        let other = (drawn % u64::from(i + 1)) as usize;
        order.push(i);
        order.swap(i as usize, other);
    }
    let mut context = Context::from_waker(Waker::noop());
    let mut pending: Vec<Option<Pin<Box<Sleep>>>> = Vec::with_capacity(TIMERS as usize);
    let begin = Instant::now();
    for delay in delays {
        let mut timer = Box::pin(sleep(delay));
        if timer.as_mut().poll(&mut context) != Poll::Pending {
            return Err("a timer due in an hour has fired".to_string());
        }
        pending.push(Some(timer));
    }
    let scheduled = begin.elapsed();
    for i in order {
        pending[i as usize] = None;
    }
    let all = begin.elapsed();
    let each = |time: Duration| time.as_nanos() as f64 / f64::from(TIMERS);
    Ok(vec![each(scheduled), each(all - scheduled)])
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
