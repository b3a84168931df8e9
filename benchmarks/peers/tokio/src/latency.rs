//! The cases of the groups `latency` and `stall`.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::workload::Load;

pub const AMONG_YIELDS: [&str; 4] = [
    "among-yields-inside-p50",
    "among-yields-inside-p99",
    "among-yields-outside-p50",
    "among-yields-outside-p99",
];
pub const AMONG_SPAWNS: [&str; 4] = [
    "among-spawns-inside-p50",
    "among-spawns-inside-p99",
    "among-spawns-outside-p50",
    "among-spawns-outside-p99",
];
pub const STALL_ROWS: [&str; 8] = [
    "ticker-p50",
    "ticker-p99",
    "ticker-max",
    "ticker-settled-p99",
    "echo-p50",
    "echo-p99",
    "echo-max",
    "echo-settled-p99",
];

const TASKS: u32 = 16;
const RUN: Duration = Duration::from_millis(500);
const PAUSE_INSIDE: u64 = 200_000;
const LEAST_PAUSE_OUTSIDE: u64 = 200_000;
const MOST_PAUSE_OUTSIDE: u64 = 1_000_000;

const WARM_UP: Duration = Duration::from_millis(700);
const STALL: Duration = Duration::from_secs(3);
const SETTLED: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);
const TRIP: Duration = Duration::from_millis(10);
const MESSAGE: usize = 64;

/// A quantile of the values, 0 to 1, in units of so many nanoseconds.
fn quantile(values: &mut [u64], quantile: f64, unit: f64) -> f64 {
    values.sort_unstable();
    let rank = ((quantile * values.len() as f64) as usize).min(values.len() - 1);
    values[rank] as f64 / unit
}

pub fn among_yields(runtime: &Runtime) -> Result<Vec<f64>, String> {
    wake_ups(runtime, true)
}

pub fn among_spawns(runtime: &Runtime) -> Result<Vec<f64>, String> {
    wake_ups(runtime, false)
}

/// How long it takes from waking a waiting task until it runs, while tasks keep all workers busy in
/// turns of 10 microseconds: woken by those, at the end of a turn, and by a thread outside.
fn wake_ups(runtime: &Runtime, yielding: bool) -> Result<Vec<f64>, String> {
    let (inside, inside_task) = Sleeper::start(runtime, PAUSE_INSIDE);
    let (outside, outside_task) = Sleeper::start(runtime, 0);
    let called = inside.clone();
    Load::during(runtime, TASKS, yielding, Box::new(move || called.call()), || {
        let mut random = 3u64;
        let begin = Instant::now();
        while begin.elapsed() < RUN {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let range = MOST_PAUSE_OUTSIDE - LEAST_PAUSE_OUTSIDE;
            thread::sleep(Duration::from_nanos(LEAST_PAUSE_OUTSIDE + random % range));
            outside.call();
        }
        Ok(())
    })?;
    let mut values = Vec::new();
    for (sleeper, task) in [(inside, inside_task), (outside, outside_task)] {
        let mut latencies = sleeper.end(runtime, task)?;
        values.push(quantile(&mut latencies, 0.5, 1e3));
        values.push(quantile(&mut latencies, 0.99, 1e3));
    }
    Ok(values)
}

const END: u64 = u64::MAX;

/// A task that waits until it is called and notes how long each call took to arrive.
struct Sleeper {
    origin: Instant,
    pause: u64,
    calls: Mutex<VecDeque<u64>>,
    last: AtomicU64,
    made: AtomicU64,
    bell: Notify,
}

impl Sleeper {
    fn start(runtime: &Runtime, pause: u64) -> (Arc<Sleeper>, JoinHandle<Vec<u64>>) {
        let sleeper = Arc::new(Sleeper {
            origin: Instant::now(),
            pause,
            calls: Mutex::new(VecDeque::new()),
            last: AtomicU64::new(0),
            made: AtomicU64::new(0),
            bell: Notify::new(),
        });
        let task = runtime.spawn(sleeper.clone().sleep_and_wake());
        (sleeper, task)
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    async fn sleep_and_wake(self: Arc<Sleeper>) -> Vec<u64> {
        let mut latencies = Vec::new();
        loop {
            let call = locked(&self.calls).pop_front();
            match call {
                None => self.bell.notified().await,
                Some(END) => return latencies,
                Some(at) => latencies.push(self.now() - at),
            }
        }
    }

    /// Calls the task, unless it was called a moment ago.
    fn call(&self) {
        let now = self.now();
        let before = self.last.load(Ordering::Relaxed);
        if now.saturating_sub(before) >= self.pause
            && self
                .last
                .compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.made.fetch_add(1, Ordering::Relaxed);
            self.notify(now);
        }
    }

    fn notify(&self, what: u64) {
        locked(&self.calls).push_back(what);
        self.bell.notify_one();
    }

    /// Ends the task and checks that it noted each call.
    fn end(&self, runtime: &Runtime, task: JoinHandle<Vec<u64>>) -> Result<Vec<u64>, String> {
        self.notify(END);
        let latencies = runtime.block_on(task).map_err(|e| e.to_string())?;
        let made = self.made.load(Ordering::Relaxed);
        if latencies.len() as u64 != made || made == 0 {
            return Err(format!("called {made} times, woke up {} times", latencies.len()));
        }
        Ok(latencies)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// What becomes of the others when as many tasks as there are workers compute without a pause.
pub fn stall(runtime: &Runtime) -> Result<Vec<f64>, String> {
    let failed = |e: std::io::Error| e.to_string();
    let listener = runtime
        .block_on(TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    runtime.spawn(async move {
        if let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let mut buffer = [0; MESSAGE];
            while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                if stream.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
        }
    });
    let begin = Instant::now() + WARM_UP;
    let ticks = Arc::new(Timetable::new(begin, TICK));
    let ticking = ticks.clone();
    let ticker = runtime.spawn(async move {
        for due in ticking.times() {
            tokio::time::sleep_until(due.into()).await;
            ticking.done(due);
        }
    });
    let trips = Timetable::new(begin, TRIP);
    let mut stream = std::net::TcpStream::connect(address).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(failed)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(begin.saturating_duration_since(Instant::now()));
            for _ in 0..runtime.metrics().num_workers() {
                runtime.spawn(async move {
                    // the endless loop, which ends so that the comparison goes on
                    while begin.elapsed() < STALL {}
                });
            }
        });
        let mut reply = [0; MESSAGE];
        for (number, due) in trips.times().enumerate() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let message = [number as u8; MESSAGE];
            stream.write_all(&message).map_err(failed)?;
            stream.read_exact(&mut reply).map_err(failed)?;
            if reply != message {
                return Err("the reply differs from the message".to_string());
            }
            trips.done(due);
        }
        Ok(())
    })?;
    runtime.block_on(ticker).map_err(|e| e.to_string())?;
    let mut values = ticks.values()?;
    values.extend(trips.values()?);
    Ok(values)
}

/// Things to do at fixed times, and how late after its time each was done.
struct Timetable {
    begin: Instant,
    period: Duration,
    late: Mutex<Vec<(Duration, u64)>>,
}

impl Timetable {
    fn new(begin: Instant, period: Duration) -> Timetable {
        let late = Mutex::new(Vec::new());
        Timetable { begin, period, late }
    }

    fn times(&self) -> impl Iterator<Item = Instant> {
        let (first, last, period) = (self.begin - WARM_UP, self.begin + STALL, self.period);
        (0..).map(move |i| first + period * i).take_while(move |due| *due < last)
    }

    fn done(&self, due: Instant) {
        if due >= self.begin {
            let entry = (due - self.begin, due.elapsed().as_nanos() as u64);
            locked(&self.late).push(entry);
        }
    }

    /// Median, 99th percentile, maximum, and the 99th percentile after a second, in milliseconds.
    fn values(&self) -> Result<Vec<f64>, String> {
        let late = locked(&self.late);
        let expected = STALL.as_nanos() / self.period.as_nanos();
        if late.len() as u128 != expected {
            return Err(format!("{} times, not {expected}", late.len()));
        }
        let mut all: Vec<u64> = late.iter().map(|(_, late)| *late).collect();
        let mut settled: Vec<u64> =
            late.iter().filter(|(at, _)| *at >= SETTLED).map(|(_, late)| *late).collect();
        Ok(vec![
            quantile(&mut all, 0.5, 1e6),
            quantile(&mut all, 0.99, 1e6),
            quantile(&mut all, 1.0, 1e6),
            quantile(&mut settled, 0.99, 1e6),
        ])
    }
}
