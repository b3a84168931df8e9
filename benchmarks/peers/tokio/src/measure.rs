//! Warm up, then take samples, each the mean of as many runs as fill the sample's time; half as
//! many samples if a run takes much longer than that.

use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

use crate::workload::Workload;

const LEAST_WARM_UP_RUNS: u32 = 20;
const LONG_RUN: u32 = 2; // in samples
const LONG_RUN_OPERATIONS: u32 = 1_000_000; // from these on, a run is its own warm-up

pub struct Plan {
    warm_up: Duration,
    samples: u32,
    sample: Duration,
}

impl Plan {
    pub fn new(warm_up_ms: u64, samples: u32, sample_ms: u64) -> Plan {
        Plan {
            warm_up: Duration::from_millis(warm_up_ms),
            samples,
            sample: Duration::from_millis(sample_ms),
        }
    }
}

impl Workload {
    fn rows<'a>(&self, case: &'a str) -> Vec<&'a str> {
        match self {
            Workload::Timed(..) => vec![case],
            Workload::Values(rows, _) => rows.to_vec(),
        }
    }

    fn run(&self, runtime: &Runtime) -> Result<Vec<f64>, String> {
        match self {
            Workload::Timed(operations, run) => {
                let begin = Instant::now();
                run(runtime)?;
                Ok(vec![begin.elapsed().as_nanos() as f64 / f64::from(*operations)])
            }
            Workload::Values(_, run) => run(runtime),
        }
    }

    fn least_warm_up_runs(&self) -> u32 {
        match self {
            Workload::Timed(operations, _) if *operations < LONG_RUN_OPERATIONS => {
                LEAST_WARM_UP_RUNS
            }
            _ => 0,
        }
    }
}

/// Prints a line `row=value ...` for each sample.
pub fn measure(
    runtime: &Runtime,
    case: &str,
    workload: &Workload,
    plan: &Plan,
) -> Result<(), String> {
    let rows = workload.rows(case);
    let start = Instant::now();
    let mut runs = 0;
    let mut last_run = Duration::ZERO;
    while runs < workload.least_warm_up_runs() || start.elapsed() < plan.warm_up {
        let begin = Instant::now();
        workload.run(runtime)?;
        last_run = begin.elapsed();
        runs += 1;
    }
    let long = last_run > plan.sample * LONG_RUN;
    let samples = if long { plan.samples.div_ceil(2) } else { plan.samples };
    for _ in 0..samples {
        let mut sums = vec![0.0; rows.len()];
        let mut runs = 0;
        let begin = Instant::now();
        loop {
            for (sum, value) in sums.iter_mut().zip(workload.run(runtime)?) {
                *sum += value;
            }
            runs += 1;
            if begin.elapsed() >= plan.sample {
                break;
            }
        }
        let line: Vec<String> = rows
            .iter()
            .zip(sums)
            .map(|(row, sum)| format!("{row}={:.3}", sum / f64::from(runs)))
            .collect();
        println!("{}", line.join(" "));
    }
    Ok(())
}
