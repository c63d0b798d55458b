//! How long great maps take in the strict and in the eager order, to the least that so many calls take,
//! and what it costs to decide: `just bench orders`.

#[expect(dead_code, reason = "the tests also have servers that fail")]
#[path = "../tests/orders/made_up.rs"]
mod made_up;

use std::time::{Duration, Instant};

use made_up::{ALL, Run, island, square};

fn main() {
    let maps = [
        ("square 120", square(120)),
        ("island 136", island(136)),
        ("square 200", square(200)),
    ];
    println!(
        "Runs in made-up time: calls of 15 s that differ by a share at most, to the least that so many take and\nto whole rounds of them; at hand are the canvases and calls that there are at most\n"
    );
    println!(
        "map         calls  endpoints  differs  turn                took s  to least  to rounds  at hand  us a call"
    );
    for (name, items) in &maps {
        for endpoints in [1000, 640, 16] {
            for differs in [0.0, 0.2] {
                for turn in ALL {
                    let run = Run {
                        items,
                        turn,
                        endpoints,
                        differs,
                        drawing: Duration::from_millis(20),
                    };
                    let started = Instant::now();
                    let went = run.goes();
                    let deciding = started.elapsed().as_secs_f64();
                    let least = run.least(went.latency).as_secs_f64();
                    let rounds =
                        items.len().div_ceil(endpoints) as f64 * went.latency.as_secs_f64();
                    let took = went.took.as_secs_f64();
                    println!(
                        "{name}  {:>6}  {endpoints:>9}  {differs:>7}  {:<16}  {took:>8.1}  {:>8.3}  {:>9.3}  {:>7}  {:>9.1}",
                        items.len(),
                        format!("{turn:?}"),
                        took / least,
                        took / rounds,
                        went.held,
                        deciding * 1e6 / items.len() as f64
                    );
                }
            }
        }
    }
}
