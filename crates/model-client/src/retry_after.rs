//! How long a server asks to be left alone.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// `Retry-After` in seconds or as a date, else OpenAI's `retry-after-ms` and
/// `x-ratelimit-reset-requests`, else Google's `RetryInfo`.
#[must_use]
pub fn retry_after(headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    text(RETRY_AFTER.as_str())
        .and_then(|text| seconds(text).or_else(|| until(text)))
        .or_else(|| text("retry-after-ms").and_then(|text| seconds(text).map(|ms| ms / 1000)))
        .or_else(|| {
            text("x-ratelimit-reset-requests")
                .and_then(|text| seconds(text).or_else(|| humantime::parse_duration(text).ok()))
        })
        .or_else(|| google_retry_delay(body))
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

fn until(date: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(date).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// `error.details[].retryDelay`, as in `"43s"`
/// (<https://cloud.google.com/apis/design/errors#error_details>).
fn google_retry_delay(body: &[u8]) -> Option<Duration> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let details = value["error"]["details"].as_array()?;
    let delay = details
        .iter()
        .find_map(|detail| detail["retryDelay"].as_str())?;
    seconds(delay.strip_suffix('s')?)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn of_header(name: &'static str, value: &str) -> Option<Duration> {
        let value = HeaderValue::from_str(value).unwrap();
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
        retry_after(&headers, b"")
    }

    #[test]
    fn the_wait_is_read_in_every_form_that_servers_use() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (name, value, expected) in [
            ("retry-after", "7", ms(7000)),
            ("retry-after", "0.5", ms(500)),
            ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", ms(0)),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("retry-after-ms", "1500", ms(1500)),
            ("x-ratelimit-reset-requests", "1s", ms(1000)),
            ("x-ratelimit-reset-requests", "6m0s", ms(360_000)),
            ("x-ratelimit-reset-requests", "7.66s", ms(7660)),
            ("x-ratelimit-reset-requests", "120ms", ms(120)),
            ("x-other", "3", None),
        ] {
            assert_eq!(of_header(name, value), expected, "{name}: {value}");
        }
        let soon = SystemTime::now() + Duration::from_secs(3600);
        let wait = of_header("retry-after", &httpdate::fmt_http_date(soon)).unwrap();
        assert!(wait > Duration::from_secs(3000) && wait <= Duration::from_secs(3600));
    }

    #[test]
    fn google_says_it_in_the_body() {
        let body = br#"{"error": {"details": [{"@type": "x"}, {"retryDelay": "43.5s"}]}}"#;
        let wait = retry_after(&HeaderMap::new(), body);
        assert_eq!(wait, Some(Duration::from_millis(43_500)));
        assert_eq!(retry_after(&HeaderMap::new(), b"{}"), None);
    }
}
