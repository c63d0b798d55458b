//! What an HTTP status means, and how it is called.

use std::time::Duration;

use reqwest::StatusCode;

use dispatch::FailureKind;

/// A status with its name, as in `404 Not Found`.
#[must_use]
pub fn status_text(status: u16) -> String {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    format!("{status} {}", reason.unwrap_or_default())
        .trim_end()
        .to_owned()
}

/// What an HTTP status that is no success says, after
/// [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-15) and what model servers and the
/// load balancers before them do in practice.
#[must_use]
pub(crate) fn kind_of_status(status: u16, retry_after: Option<Duration>) -> FailureKind {
    match status {
        400 | 413 | 422 => FailureKind::Rejected,
        401 | 403 | 405 => FailureKind::EndpointOut,
        404 | 410 => FailureKind::Missing,
        // From 520 on it is a proxy that says it of the server behind it
        // (https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/).
        408 | 425 | 429 | 502..=504 | 520..=530 => FailureKind::Away { retry_after },
        // A redirect that was not followed leads to another host, or in circles.
        300..=399 => FailureKind::EndpointOut,
        402 => FailureKind::EndpointOut,
        _ => FailureKind::BadAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_whose_fault_it_is() {
        let wait = Some(Duration::from_secs(7));
        for (statuses, kind) in [
            (vec![400, 413, 422], FailureKind::Rejected),
            (vec![401, 402, 403, 405, 302, 308], FailureKind::EndpointOut),
            (vec![404, 410], FailureKind::Missing),
            (
                vec![408, 425, 429, 502, 503, 504, 520, 522, 524, 530],
                FailureKind::Away { retry_after: wait },
            ),
            (vec![500, 501, 505, 519, 531, 418], FailureKind::BadAnswer),
        ] {
            for status in statuses {
                assert_eq!(kind_of_status(status, wait), kind, "{status}");
            }
        }
    }
}
