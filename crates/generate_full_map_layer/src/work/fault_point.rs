//! Places where a test ends the process, as a power cut would, or lets it panic.
//!
//! Only builds with the feature `fault-points` have them; in others a call is nothing.

/// Ends the process here, without any cleaning up, when the environment's `FAULT_POINT` names
/// this place: `claimed`, or `claimed:3` for the third time. Panics when `PANIC_POINT` names it.
#[cfg(feature = "fault-points")]
pub(crate) fn fault_point(name: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    if std::env::var("PANIC_POINT").is_ok_and(|place| place == name) {
        panic!("planted at {name}");
    }
    let Ok(wanted) = std::env::var("FAULT_POINT") else {
        return;
    };
    let (place, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if place == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == count.parse().unwrap_or(1) {
        std::process::abort();
    }
}

/// Nothing, in this build.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub(crate) fn fault_point(_name: &str) {}
