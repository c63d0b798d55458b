//! Time, as the dispatcher is told it.

use std::time::Duration;

/// A moment of a run: the time since its start.
pub type Moment = Duration;

/// A duration in its two greatest units, as in `3h 12m`.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days}d {hours}h")
    } else if hours > 0 {
        format!("{hours}h {minutes}m")
    } else if minutes > 0 {
        format!("{minutes}m {}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_greatest_units_are_told() {
        for (seconds, text) in [
            (0.4, "0s"),
            (59.6, "1m 0s"),
            (61.0, "1m 1s"),
            (3_599.0, "59m 59s"),
            (3_600.0, "1h 0m"),
            (7_384.0, "2h 3m"),
            (86_400.0, "1d 0h"),
            (200_000.0, "2d 7h"),
        ] {
            assert_eq!(duration_text(Duration::from_secs_f64(seconds)), text);
        }
    }
}
