//! What follows from how a notice was received.

use std::time::Duration;

use model_client::status_text;
use reqwest::StatusCode;

/// The pauses before a notice is sent again; the last one is kept to.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(60),
];
/// The longest that a receiver may ask to be left alone.
const LONGEST: Duration = Duration::from_secs(3600);

/// What follows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It is received.
    Received,
    /// It is sent again, not before so long where the receiver has asked for that.
    Again(String, Option<Duration>),
    /// It will never be received.
    Never(String),
}

impl Follows {
    /// What follows from an answer.
    pub(crate) fn from_answer(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let told = format!("it answered {}", status_text(status.as_u16()));
        let is_busy = matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
        if status.is_success() {
            Self::Received
        } else if is_busy || status.is_server_error() {
            Self::Again(told, retry_after.map(|asked| asked.min(LONGEST)))
        } else if status.is_redirection() {
            Self::Never(format!(
                "{told}, which leads elsewhere and is not followed; name the address itself"
            ))
        } else {
            Self::Never(told)
        }
    }

    /// What follows when no answer came.
    pub(crate) fn from_error(error: reqwest::Error) -> Self {
        // The address may be secret.
        let error = error.without_url();
        let told = match (error.is_timeout(), error.is_connect()) {
            (true, _) => "it did not answer in time".to_owned(),
            (false, true) => "there is no connection to it".to_owned(),
            (false, false) => error.to_string(),
        };
        Self::Again(told, None)
    }
}

/// How long it is waited after so many tries, where the receiver has `asked` for nothing else.
pub(crate) fn pause(tries: usize, asked: Option<Duration>) -> Duration {
    let own = PAUSES[tries.saturating_sub(1).min(PAUSES.len() - 1)];
    asked.map_or(own, |asked| asked.max(PAUSES[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_the_rest_is_not() {
        for status in 100..1000 {
            let follows = Follows::from_answer(StatusCode::from_u16(status).unwrap(), None);
            let expected = match status {
                200..300 => "received",
                408 | 425 | 429 | 500..600 => "again",
                _ => "never",
            };
            let told = match follows {
                Follows::Received => "received",
                Follows::Again(..) => "again",
                Follows::Never(_) => "never",
            };
            assert_eq!(told, expected, "{status}");
        }
    }

    #[test]
    fn pauses_grow_and_a_receiver_may_ask_for_others() {
        let seconds = |tries| pause(tries, None).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 100].map(seconds), [1, 5, 30, 60, 60, 60]);
        let s = Duration::from_secs;
        assert_eq!(pause(1, Some(s(120))), s(120));
        assert_eq!(pause(9, Some(Duration::ZERO)), s(1));
        let asked = |asked| Follows::from_answer(StatusCode::TOO_MANY_REQUESTS, Some(asked));
        assert!(matches!(asked(s(86_400)), Follows::Again(_, Some(most)) if most == LONGEST));
    }
}
