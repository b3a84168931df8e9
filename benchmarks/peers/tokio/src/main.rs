//! The Tokio peer of `benchmarks/compare`: the same workloads, the same measuring loop and the
//! same output as the JVM side, on Tokio's multi-threaded runtime.

mod channel;
mod echo;
mod events;
mod latency;
mod measure;
mod sync;
mod timer;
mod workload;

use std::process::ExitCode;

const USAGE: &str = "usage: tokio-peer measure GROUP CASE WORKERS WARM_UP_MS SAMPLES SAMPLE_MS
       tokio-peer echo WORKERS BUFFER TRANSPORT";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tokio-peer: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<(), String> {
    match args {
        ["measure", group, case, workers, warm_up, samples, sample] => {
            let runtime = runtime(number(workers)?)?;
            let workload = workload::find(group, case)?;
            let plan = measure::Plan::new(number(warm_up)?, number(samples)?, number(sample)?);
            measure::measure(&runtime, case, &workload, &plan)
        }
        ["echo", workers, buffer, transport] => {
            echo::serve(&runtime(number(workers)?)?, number(buffer)?, transport)
        }
        _ => Err(format!("cannot read the arguments {args:?}\n{USAGE}")),
    }
}

fn runtime(workers: usize) -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start Tokio: {e}"))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}
