//! Warm up, then take samples, each as many runs as fill the sample's time.

use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

use crate::workload::Workload;

const LEAST_WARM_UP_RUNS: u32 = 20;

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

/// Prints nanoseconds per operation, one line per sample.
pub fn measure(runtime: &Runtime, workload: &Workload, plan: &Plan) -> Result<(), String> {
    let start = Instant::now();
    let mut runs = 0;
    while runs < LEAST_WARM_UP_RUNS || start.elapsed() < plan.warm_up {
        (workload.run)(runtime)?;
        runs += 1;
    }
    for _ in 0..plan.samples {
        let begin = Instant::now();
        let mut runs = 0u64;
        let elapsed = loop {
            (workload.run)(runtime)?;
            runs += 1;
            let elapsed = begin.elapsed();
            if elapsed >= plan.sample {
                break elapsed;
            }
        };
        let operations = runs as f64 * f64::from(workload.operations);
        println!("{:.2}", elapsed.as_nanos() as f64 / operations);
    }
    Ok(())
}
