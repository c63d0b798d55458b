//! Runs in a made-up world with made-up time: the real dispatcher, pool, tries, queue and planner,
//! and everything around them from a seed.
//!
//! `just simulate [RUNS] [FIRST_SEED]` makes more of them than the test does, and
//! `just simulate 1 SEED --trace` shows one event by event.

mod chance;
mod plans;
mod promises;
mod servers;
mod shown;
mod spending;
mod world;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use world::World;

/// So many runs, unless `SIMULATED_RUNS` says another number.
const RUNS: u64 = 2000;

fn number(variable: &str, default: u64) -> u64 {
    let Ok(text) = env::var(variable) else {
        return default;
    };
    text.parse()
        .unwrap_or_else(|_| panic!("{variable} is {text:?}, which is no number"))
}

#[test]
fn every_run_keeps_every_promise() {
    let runs = number("SIMULATED_RUNS", RUNS);
    let first = number("SIMULATED_FIRST_SEED", 1);
    let trace = env::var_os("SIMULATED_TRACE").is_some();
    let next = AtomicU64::new(first);
    let (events, started) = (AtomicU64::new(0), Instant::now());
    let broken = thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(2, usize::from);
        let workers: Vec<_> = (0..if trace { 1 } else { workers })
            .map(|_| {
                scope.spawn(|| {
                    let mut broken = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + runs || broken.len() >= 10 {
                            return broken;
                        }
                        match World::made_up(seed, trace).live() {
                            Ok(count) => drop(events.fetch_add(count, Ordering::Relaxed)),
                            Err(broken_promise) => broken.push((seed, broken_promise)),
                        }
                    }
                })
            })
            .collect();
        let found = workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("no panic"));
        found.collect::<Vec<_>>()
    });
    println!(
        "{runs} runs, {} events, {:.0} runs a second",
        events.into_inner(),
        runs as f64 / started.elapsed().as_secs_f64()
    );
    let lines = broken.iter().map(|(seed, promise)| {
        format!("seed {seed}: {promise}\n  see it with: just simulate 1 {seed} --trace\n")
    });
    assert!(broken.is_empty(), "\n{}", lines.collect::<String>());
}
