//! Who may judge: whoever was given the desk's address, from a page of this server.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The header that has the token. A page of another origin cannot send one without asking this
/// server first (<https://fetch.spec.whatwg.org/#cors-preflight-fetch>), which never says yes.
const TOKEN: HeaderName = HeaderName::from_static("x-review-token");

/// Where a browser says a request comes from (<https://www.w3.org/TR/fetch-metadata/>).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the address of a desk has and nobody can guess: 192 bits from the system.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn new() -> Result<Self> {
        let mut bytes = [0; 24];
        File::open("/dev/urandom")
            .and_then(|mut system| system.read_exact(&mut bytes))
            .context("the system gives no random numbers (/dev/urandom)")?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether it is the same. How long that takes does not tell how much of it is.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        let own = self.0.as_bytes();
        let differs = own.iter().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b));
        own.len() == given.len() && std::hint::black_box(differs) == 0
    }

    /// Whether the address of a page has it: `?review=…`.
    pub(crate) fn is_in(&self, query: Option<&str>) -> bool {
        let mut pairs = query.unwrap_or_default().split('&');
        pairs.any(|pair| {
            let given = pair.strip_prefix("review=");
            given.is_some_and(|given| self.is(given.as_bytes()))
        })
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token")
    }
}

/// Why a request is not answered.
pub(crate) type Refusal = (StatusCode, &'static str);

/// Whether a request with these headers may see the desk.
///
/// # Errors
/// What it is told when it may not.
pub(crate) fn may_see(headers: &HeaderMap, token: &Token) -> Result<(), Refusal> {
    let host = headers
        .get(header::HOST)
        .map_or(&b""[..], HeaderValue::as_bytes);
    // The host is one of the server's own names: who asks under another is not heard at all.
    let own = [b"http://", host].concat();
    let is_own = |origin: &HeaderValue| origin.as_bytes().eq_ignore_ascii_case(&own);
    let is_same_origin = |site: &HeaderValue| site == "same-origin";
    if !headers.get_all(header::ORIGIN).iter().all(is_own)
        || !headers.get_all(FETCH_SITE).iter().all(is_same_origin)
    {
        let foreign = "A page of another origin may not use the desk.\n";
        return Err((StatusCode::FORBIDDEN, foreign));
    }
    match headers.get(TOKEN) {
        Some(given) if token.is(given.as_bytes()) => Ok(()),
        _ => Err((
            StatusCode::FORBIDDEN,
            "This is not the address of the desk as it is served now; open the one that the server has printed.\n",
        )),
    }
}

/// Whether a request with these headers may judge.
///
/// # Errors
/// What it is told when it may not.
pub(crate) fn may_judge(headers: &HeaderMap, token: &Token) -> Result<(), Refusal> {
    may_see(headers, token)?;
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "A judgement is sent as application/json.\n",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_with(pairs: &[(&'static str, &str)]) -> Option<u16> {
        let token = Token("secret".to_owned());
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("127.0.0.1:8765"));
        for &(name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let refusal = may_judge(&headers, &token).err();
        refusal.map(|(status, _)| status.as_u16())
    }

    #[test]
    fn only_the_own_page_with_the_token_may_judge() {
        let json = ("content-type", "application/json; charset=utf-8");
        let token = ("x-review-token", "secret");
        let own = ("origin", "http://127.0.0.1:8765");
        let same = ("sec-fetch-site", "same-origin");
        assert_eq!(seen_with(&[json, token, own, same]), None);
        assert_eq!(seen_with(&[json, token]), None, "not from a browser");
        for origin in [
            "null",
            "http://evil.example",
            "https://127.0.0.1:8765",
            "http://127.0.0.1:9999",
            "http://127.0.0.1:87650",
            "http://localhost:8765",
        ] {
            assert_eq!(
                seen_with(&[json, token, ("origin", origin)]),
                Some(403),
                "{origin}"
            );
            let both = [json, token, own, ("origin", origin)];
            assert_eq!(seen_with(&both), Some(403), "{origin}");
        }
        for site in ["cross-site", "same-site", "none"] {
            let from = [json, token, own, ("sec-fetch-site", site)];
            assert_eq!(seen_with(&from), Some(403), "{site}");
        }
        for other in ["", "secre", "secret1", "Secret"] {
            assert_eq!(
                seen_with(&[json, ("x-review-token", other)]),
                Some(403),
                "{other}"
            );
        }
        assert_eq!(seen_with(&[json, own, same]), Some(403), "without a token");
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
        ] {
            assert_eq!(
                seen_with(&[("content-type", kind), token]),
                Some(415),
                "{kind}"
            );
        }
        assert_eq!(seen_with(&[token]), Some(415));
    }

    #[test]
    fn no_two_tokens_are_the_same_and_none_is_printed() {
        let (one, other) = (Token::new().unwrap(), Token::new().unwrap());
        assert!(one.text().len() >= 32 && !other.is(one.text().as_bytes()));
        assert!(!format!("{one:?}").contains(one.text()));
        let query = format!("a=b&review={}", one.text());
        assert!(one.is_in(Some(&query)) && !other.is_in(Some(&query)) && !one.is_in(None));
    }
}
