//! Keys: where they come from, and that they go nowhere else.

use std::collections::HashMap;
use std::path::Path;

use layer::{EndpointConfig, EndpointUrl, HeaderSource};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// The environment, with a `.env` file of the working directory behind it.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    file: HashMap<String, SecretString>,
}

impl Environment {
    /// Reads `.env` in `dir`, if there is one. It never overrides the environment.
    ///
    /// # Errors
    /// A warning when the file is there and does not parse; what stands before the bad line counts.
    pub(crate) fn read(dir: &Path) -> (Self, Option<String>) {
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
    pub(crate) fn get(&self, name: &str) -> Option<SecretString> {
        match std::env::var(name) {
            Ok(value) if !value.is_empty() => Some(SecretString::from(value)),
            _ => self
                .file
                .get(name)
                .filter(|value| !value.expose_secret().is_empty())
                .cloned(),
        }
    }
}

/// What one endpoint's calls carry that must not be seen anywhere else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    /// The endpoint's key.
    pub key: Option<SecretString>,
    /// Its own headers, with their values marked as sensitive.
    pub headers: HeaderMap,
    /// All that must never be shown.
    secrets: Vec<SecretString>,
}

impl Credentials {
    /// The credentials of an endpoint, and warnings about variables that are not set.
    ///
    /// # Errors
    /// When a header is none that HTTP knows; its value is not shown.
    pub(crate) fn of(
        endpoint: &EndpointConfig,
        environment: &Environment,
    ) -> anyhow::Result<(Self, Vec<String>)> {
        let mut warnings = Vec::new();
        let mut credentials = Self::default();
        let name = &endpoint.name;
        if let Some(variable) = &endpoint.api_key_env {
            match environment.get(variable) {
                Some(key) => {
                    credentials.secrets.push(key.clone());
                    credentials.key = Some(key);
                }
                None => warnings.push(format!(
                    "{variable} is not set: calls to {name} go without a key"
                )),
            }
        }
        for (header, source) in &endpoint.headers {
            let value = match source {
                HeaderSource::Literal(value) => SecretString::from(value.clone()),
                HeaderSource::Env { env } => match environment.get(env) {
                    Some(value) => value,
                    None => {
                        warnings.push(format!(
                            "{env} is not set: calls to {name} go without the header {header}"
                        ));
                        continue;
                    }
                },
            };
            let header_name: HeaderName = header.parse().map_err(|_| {
                anyhow::anyhow!("{header:?} of endpoint {name} is not a name of a header")
            })?;
            credentials.headers.insert(header_name, sensitive(&value).map_err(|()| {
                anyhow::anyhow!("the value of the header {header} of endpoint {name} has characters that no header may have")
            })?);
            credentials.secrets.push(value);
        }
        if let EndpointUrl::Http(url) = &endpoint.url {
            let of_url = url.query_pairs().map(|(_, value)| value.into_owned());
            let password = url.password().map(str::to_owned);
            let user = Some(url.username().to_owned());
            credentials
                .secrets
                .extend(of_url.chain(password).chain(user).map(SecretString::from));
        }
        Ok((credentials, warnings))
    }

    /// The key as `Authorization: Bearer`, unless the endpoint's own headers set that.
    ///
    /// # Errors
    /// When the key has characters that no header may have; it is not shown.
    pub(crate) fn with_bearer(mut self, endpoint: &str) -> anyhow::Result<Self> {
        if let Some(key) = &self.key
            && !self.headers.contains_key(AUTHORIZATION)
        {
            let bearer = SecretString::from(format!("Bearer {}", key.expose_secret().trim()));
            let value = sensitive(&bearer).map_err(|()| {
                anyhow::anyhow!(
                    "the key of endpoint {endpoint} has characters that no header may have"
                )
            })?;
            self.headers.insert(AUTHORIZATION, value);
        }
        Ok(self)
    }

    /// `text` with every secret in it struck out: servers repeat in their errors what they were
    /// sent.
    #[must_use]
    pub(crate) fn redact(&self, text: &str) -> String {
        self.secrets
            .iter()
            .map(|secret| secret.expose_secret().trim())
            // Striking out every "1" would leave nothing to read, and protect nothing.
            .filter(|secret| secret.len() >= 4)
            .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }
}

fn sensitive(value: &SecretString) -> Result<HeaderValue, ()> {
    let mut value = HeaderValue::from_str(value.expose_secret().trim()).map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(value)
}
