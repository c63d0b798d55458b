//! Keys: where they come from, and that they go nowhere else.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use layer::{EndpointConfig, EndpointUrl, HeaderSource, Protocol};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::EndpointError;
use crate::protocol::is_own_header;
use crate::redact::{strike_out, without_queries};

/// The environment, with a `.env` file of the working directory behind it.
#[derive(Debug, Default)]
pub struct Environment {
    file: HashMap<String, SecretString>,
}

impl Environment {
    /// Reads `.env` in `dir`, if there is one. It never overrides the environment.
    ///
    /// # Errors
    /// A warning when the file is there and does not parse; what stands before the bad line counts.
    pub fn read(dir: &Path) -> (Self, Option<String>) {
        let path = dir.join(".env");
        let Ok(lines) = dotenvy::from_path_iter(&path) else {
            return (Self::default(), None);
        };
        let mut file = HashMap::new();
        for line in lines {
            match line {
                Ok((name, value)) => {
                    file.insert(name, SecretString::from(value));
                }
                // The parser's own words would repeat the line, and that may be a key.
                Err(_) => {
                    let warning = format!(
                        "{} has a line that is not NAME=value; what follows it is not read",
                        path.display()
                    );
                    return (Self { file }, Some(warning));
                }
            }
        }
        (Self { file }, None)
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<SecretString> {
        let is_set = |value: &SecretString| !value.expose_secret().is_empty();
        let of_file = || self.file.get(name).filter(|value| is_set(value)).cloned();
        of_process(name).or_else(of_file)
    }

    /// Whether a variable is set in the environment itself, where no edit of `.env` changes it.
    #[must_use]
    pub fn is_fixed(&self, name: &str) -> bool {
        of_process(name).is_some()
    }
}

/// What the environment has, before any file.
fn of_process(name: &str) -> Option<SecretString> {
    let value = std::env::var(name).ok();
    value
        .filter(|value| !value.is_empty())
        .map(SecretString::from)
}

/// A variable that an entry names and that is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSet {
    /// Its name.
    pub variable: String,
    /// What calls do without it.
    so: String,
}

impl fmt::Display for NotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not set: {}", self.variable, self.so)
    }
}

/// What one endpoint's calls carry that must not be seen anywhere else.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The endpoint's key.
    pub key: Option<SecretString>,
    /// Its own headers, with their values marked as sensitive.
    pub headers: HeaderMap,
    /// All that must never be shown: of this endpoint, and what is shared with it.
    secrets: Secrets,
}

/// What must never be shown, for all that strike it out. What was in it once stays in it.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<RwLock<Vec<SecretString>>>);

impl Secrets {
    fn of(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let own = Self::default();
        own.add(secrets);
        own
    }

    /// Adds what is not there yet; they are in order.
    fn add(&self, secrets: impl IntoIterator<Item = SecretString>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets {
            let new = secret.expose_secret();
            if let Err(place) = all.binary_search_by(|own| own.expose_secret().cmp(new)) {
                all.insert(place, secret);
            }
        }
    }

    fn all(&self) -> Vec<SecretString> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn strike_out_of(&self, text: &str) -> String {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        strike_out(text, all.iter().map(ExposeSecret::expose_secret))
    }
}

impl Credentials {
    /// The credentials of an endpoint, and the variables that are not set.
    ///
    /// # Errors
    /// When a header is none that HTTP knows, or one that every call has; its value is not shown.
    pub fn of(
        endpoint: &EndpointConfig,
        environment: &Environment,
    ) -> Result<(Self, Vec<NotSet>), EndpointError> {
        let mut missing = Vec::new();
        let mut credentials = Self::default();
        let name = &endpoint.name;
        if let Some(variable) = &endpoint.api_key_env {
            match environment.get(variable) {
                Some(key) => {
                    // Of `user:password` the password is as secret as the pair.
                    let password = key.expose_secret().split_once(':').map(|pair| pair.1);
                    let password = password.map(SecretString::from);
                    credentials.keep([Some(key.clone()), password].into_iter().flatten());
                    credentials.key = Some(key);
                }
                None => missing.push(NotSet {
                    variable: variable.clone(),
                    so: format!("calls to {name} go without a key"),
                }),
            }
        }
        for (header, source) in &endpoint.headers {
            let header_name: HeaderName =
                header.parse().map_err(|_| EndpointError::HeaderName {
                    endpoint: name.clone(),
                    header: header.clone(),
                })?;
            let protocol = endpoint.protocol();
            if let Some(protocol) = protocol.filter(|it| is_own_header(*it, &header_name)) {
                return Err(EndpointError::OwnHeader {
                    endpoint: name.clone(),
                    header: header.clone(),
                    protocol: protocol.name(),
                });
            }
            let value = match source {
                HeaderSource::Literal(value) => SecretString::from(value.clone()),
                HeaderSource::Env { env } => match environment.get(env) {
                    Some(value) => value,
                    None => {
                        missing.push(NotSet {
                            variable: env.clone(),
                            so: format!("calls to {name} go without the header {header}"),
                        });
                        continue;
                    }
                },
            };
            let sent = sensitive(&value).map_err(|()| EndpointError::HeaderValue {
                endpoint: name.clone(),
                header: header.clone(),
            })?;
            credentials.headers.insert(header_name, sent);
            credentials.keep_secret(value);
        }
        if let EndpointUrl::Http(url) = &endpoint.url {
            credentials.keep(secrets_of(url));
        }
        Ok((credentials, missing))
    }

    /// What is secret of an address alone: its signature, mostly.
    pub(crate) fn of_address(url: &Url) -> Self {
        Self {
            secrets: Secrets::of(secrets_of(url)),
            ..Self::default()
        }
    }

    /// Adds the key as the protocol wants it, unless the endpoint's own headers have one there.
    ///
    /// # Errors
    /// When the key has characters that no header may have; it is not shown.
    pub fn with_key(
        mut self,
        protocol: Protocol,
        url: &Url,
        endpoint: &str,
    ) -> Result<Self, EndpointError> {
        let Some((header, value)) = self
            .key
            .as_ref()
            .and_then(|key| key_header(protocol, url, key.expose_secret().trim()))
        else {
            return Ok(self);
        };
        if !self.headers.contains_key(&header) {
            let secret = SecretString::from(value);
            let value = sensitive(&secret).map_err(|()| EndpointError::Key {
                endpoint: endpoint.to_owned(),
            })?;
            self.headers.insert(header, value);
            self.keep_secret(secret);
        }
        Ok(self)
    }

    /// Keeps a header's value from being shown: as it is sent, and the key in it.
    fn keep_secret(&mut self, value: SecretString) {
        const SCHEMES: [&str; 4] = ["bearer", "basic", "token", "key"];
        let words = value.expose_secret().trim().split_once(' ');
        let token = words
            .filter(|(scheme, _)| SCHEMES.contains(&scheme.to_lowercase().as_str()))
            .map(|(_, token)| token.trim().to_owned());
        let pair = token.as_ref().and_then(|token| STANDARD.decode(token).ok());
        let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
        let password = pair.as_ref().and_then(|pair| pair.split_once(':'));
        let password = password.map(|(_, password)| password.to_owned());
        let parts = [token, pair, password].into_iter().flatten();
        self.keep(std::iter::once(value).chain(parts.map(SecretString::from)));
    }

    fn keep(&mut self, secrets: impl IntoIterator<Item = SecretString>) {
        self.secrets.add(secrets);
    }

    /// Whether calls carry the same with both.
    #[must_use]
    pub fn carry_the_same_as(&self, other: &Self) -> bool {
        let key = |of: &Self| of.key.as_ref().map(|key| key.expose_secret().to_owned());
        key(self) == key(other) && self.headers == other.headers
    }

    /// From now on it strikes out what is secret of any that share `secrets`, whenever they do or did:
    /// several may be of one server, which knows the keys of all, and those that they had before.
    pub fn share(&mut self, secrets: &Secrets) {
        secrets.add(self.secrets.all());
        self.secrets = secrets.clone();
    }

    /// `text` with every secret in it struck out, and the queries of all addresses: servers repeat
    /// in their errors what they were sent, and name places that are signed.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        without_queries(&self.secrets.strike_out_of(text))
    }

    /// The same for a body, whatever its bytes are.
    #[must_use]
    pub fn redact_bytes(&self, body: &Bytes) -> Bytes {
        match std::str::from_utf8(body) {
            Ok(text) => Bytes::from(self.redact(text)),
            Err(_) => body.clone(),
        }
    }
}

/// Where a protocol wants the key, and in which form; `None` where the URL has one of its own.
fn key_header(protocol: Protocol, url: &Url, key: &str) -> Option<(HeaderName, String)> {
    let basic = |pair: String| (AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
    match (protocol, url.username(), url.password()) {
        (Protocol::Gemini, ..) => Some((HeaderName::from_static("x-goog-api-key"), key.to_owned())),
        (Protocol::Sdapi, ..) if key.contains(':') => Some(basic(key.to_owned())),
        (Protocol::Sdapi, user, None) if !user.is_empty() => {
            Some(basic(format!("{}:{key}", percent_decoded(user))))
        }
        (Protocol::Sdapi, _, Some(_)) => None,
        _ => Some((AUTHORIZATION, format!("Bearer {key}"))),
    }
}

/// What may be secret in a URL, as it stands there and decoded, and as HTTP Basic sends it.
fn secrets_of(url: &Url) -> Vec<SecretString> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let pair = format!("{}:{}", percent_decoded(user), percent_decoded(password));
    let mut secrets = vec![
        password.to_owned(),
        percent_decoded(password),
        STANDARD.encode(pair),
    ];
    // Some services take the key as a user, mostly without a password; a short name beside one
    // is a word that messages need.
    if password.is_empty() || user.len() >= 8 {
        secrets.extend([user.to_owned(), percent_decoded(user)]);
    }
    let raw = url.query().into_iter().flat_map(|query| query.split('&'));
    secrets.extend(raw.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
    secrets.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    secrets.into_iter().map(SecretString::from).collect()
}

fn percent_decoded(text: &str) -> String {
    // In a query a plus sign is a space, in a name it is itself.
    let pair = format!("x={}", text.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map_or_else(String::new, |(_, text)| text.into_owned())
}

fn sensitive(value: &SecretString) -> Result<HeaderValue, ()> {
    let mut value = HeaderValue::from_str(value.expose_secret().trim()).map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_key_goes_where_its_protocol_wants_it() {
        let basic =
            |pair: &str| Some(("authorization", format!("Basic {}", STANDARD.encode(pair))));
        let bearer = Some(("authorization", "Bearer abc".to_owned()));
        for (protocol, address, key, expected) in [
            (Protocol::EditB64, "http://h/", "abc", bearer.clone()),
            (Protocol::Openai, "http://h/v1", "abc", bearer.clone()),
            (
                Protocol::Gemini,
                "http://h/",
                "abc",
                Some(("x-goog-api-key", "abc".to_owned())),
            ),
            (Protocol::Sdapi, "http://h/", "abc", bearer),
            (Protocol::Sdapi, "http://h/", "me:abc", basic("me:abc")),
            (Protocol::Sdapi, "http://m%65@h/", "abc", basic("me:abc")),
            (Protocol::Sdapi, "http://me:own@h/", "abc", None),
        ] {
            let found = key_header(protocol, &url(address), key);
            let found = found
                .as_ref()
                .map(|(name, value)| (name.as_str(), value.clone()));
            assert_eq!(found, expected, "{protocol:?} {address} {key}");
        }
    }

    #[test]
    fn the_key_in_a_header_is_secret_without_the_word_before_it() {
        let basic = format!("Basic {}", STANDARD.encode("user:password"));
        for (value, said, shown) in [
            (
                "Bearer eyJhbGciOi",
                "no eyJhbGciOi, no Bearer",
                "no …, no Bearer",
            ),
            (&basic, "user:password, password", "…, …"),
            ("a word", "another word", "another word"),
        ] {
            let mut credentials = Credentials::default();
            credentials.keep_secret(SecretString::from(value));
            assert_eq!(credentials.redact(said), shown);
        }
    }

    #[test]
    fn nothing_secret_of_an_address_is_shown() {
        let address = url("http://user:pass%2Fword@h/path?key=se%2Fsame&b=open");
        let credentials = Credentials::of_address(&address);
        let basic = STANDARD.encode("user:pass/word");
        let said = format!(
            "pass%2Fword, pass/word, se%2Fsame, se/same, open, {basic} at \"{address}\", \
             try https://a@other/x?sig=hidden,too. Fine?"
        );
        assert_eq!(
            credentials.redact(&said),
            "…, …, …, …, …, … at \"http://h/path?…\", try https://other/x?… Fine?"
        );
    }
}
