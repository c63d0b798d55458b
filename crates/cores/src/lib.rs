//! Threads for work that keeps the machine's cores busy, and where a run's processor time goes.

mod cpu_time;
mod threads;

pub use cpu_time::{CpuTime, Stage};
pub use threads::{Cores, count};
