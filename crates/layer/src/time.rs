//! Dates as the files of a layer write them.

use std::time::SystemTime;

/// RFC 3339 in UTC, to the second: `2026-11-22T14:03:00Z`. A clock that stands before 1970 is
/// written as its first second.
#[must_use]
pub fn timestamp(time: SystemTime) -> String {
    let time = time.max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The same to the millisecond: `2026-11-22T14:03:00.250Z`.
#[must_use]
pub fn timestamp_ms(time: SystemTime) -> String {
    let time = time.max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_millis(time).to_string()
}

/// The same to the second for file names: `20261122T140300Z`.
#[must_use]
pub fn file_timestamp(time: SystemTime) -> String {
    timestamp(time).replace(['-', ':'], "")
}

/// Now as `progress.db` keeps it: Unix time in seconds.
#[must_use]
pub fn unix_now() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_written_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_356_180);
        assert_eq!(timestamp(time), "2026-11-22T14:03:00Z");
        assert_eq!(file_timestamp(time), "20261122T140300Z");
        let later = time + Duration::from_micros(250_900);
        assert_eq!(timestamp_ms(later), "2026-11-22T14:03:00.250Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(timestamp(before), "1970-01-01T00:00:00Z");
    }
}
