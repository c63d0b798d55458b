//! The address of an endpoint, and the protocol that is spoken there.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// The address of an endpoint: `http(s)://…`, or `builtin:` and the name of a [`Filter`].
///
/// It may hold a key in its query or its user part, so it prints without both.
#[derive(Clone, PartialEq, Eq)]
pub enum EndpointUrl {
    /// A filter inside the process.
    Builtin(Filter),
    /// A server.
    Http(Url),
}

/// The picture filters that are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A winter day.
    Snow,
    /// A night with lit windows.
    Night,
    /// Nothing is drawn: pictures stay as they are.
    Copy,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Snow, Self::Night, Self::Copy];

    /// The name behind `builtin:`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Snow => "snow",
            Self::Night => "night",
            Self::Copy => "copy",
        }
    }
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// JSON with `image_b64` to the URL itself.
    EditB64,
    /// A form with the picture as `file` to `…/edit`.
    Multipart,
    /// OpenAI's `/v1/images/edits`.
    Openai,
    /// Google's `:generateContent`.
    Gemini,
    /// AUTOMATIC1111's `/sdapi/v1/img2img`.
    Sdapi,
}

impl Protocol {
    /// The name in configuration files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EditB64 => "edit_b64",
            Self::Multipart => "multipart",
            Self::Openai => "openai",
            Self::Gemini => "gemini",
            Self::Sdapi => "sdapi",
        }
    }

    /// The protocol that a URL without a `protocol` beside it speaks.
    ///
    /// # Errors
    /// A sentence that names what would work, for services that speak none of the protocols.
    pub fn of(url: &Url) -> Result<Self, String> {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let is_at = |domain: &str| {
            host == domain
                || host
                    .strip_suffix(domain)
                    .is_some_and(|front| front.ends_with('.'))
        };
        let path = url.path().trim_end_matches('/');
        if let Some(service) = foreign_service(&is_at, url.port(), path) {
            return Err(format!(
                "{service}, which is not spoken here; what works is a server of the protocol edit_b64, multipart (…/edit), openai (…/v1/images/edits), gemini or sdapi (AUTOMATIC1111, Forge). If this is one, say which with \"protocol\""
            ));
        }
        Ok(if is_at("googleapis.com") {
            Self::Gemini
        // Before OpenAI's `/v1`: the base of this one is `/sdapi/v1`.
        } else if url.path().contains("/sdapi/") || path.ends_with("/sdapi") {
            Self::Sdapi
        } else if path.ends_with("/images/edits")
            || path.ends_with("/v1")
            || is_at("api.openai.com")
        {
            Self::Openai
        } else if path.ends_with("/edit") {
            Self::Multipart
        } else {
            Self::EditB64
        })
    }
}

/// Services whose way of working does not fit one call, one picture.
fn foreign_service(
    is_at: &dyn Fn(&str) -> bool,
    port: Option<u16>,
    path: &str,
) -> Option<&'static str> {
    if is_at("oxen.ai") {
        Some("Oxen wants the picture at a public URL")
    } else if is_at("fal.ai") || is_at("fal.run") {
        Some("fal wants the picture at a public URL and is polled for the answer")
    } else if is_at("replicate.com") || is_at("replicate.delivery") {
        Some("Replicate wants the picture at a public URL and is polled for the answer")
    } else if is_at("comfy.org") || port == Some(8188) || path.ends_with("/prompt") {
        Some("ComfyUI wants a workflow graph")
    } else {
        None
    }
}

impl EndpointUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, without the parts that may be secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("builtin:") {
            return match name {
                "snow" => Ok(Self::Builtin(Filter::Snow)),
                "night" => Ok(Self::Builtin(Filter::Night)),
                "copy" => Ok(Self::Builtin(Filter::Copy)),
                _ => Err(format!(
                    "there is no builtin:{name}; there are builtin:snow, builtin:night and builtin:copy"
                )),
            };
        }
        let expected = "a URL is http://…, https://…, builtin:snow, builtin:night or builtin:copy";
        let url =
            Url::parse(text).map_err(|error| format!("this is no URL ({error}); {expected}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(format!(
                "this is a URL of the scheme {:?}; {expected}",
                url.scheme()
            ));
        }
        Ok(Self::Http(url))
    }

    /// The whole address, keys included, as it goes into the configuration file.
    #[must_use]
    pub fn reveal(&self) -> String {
        match self {
            Self::Builtin(filter) => format!("builtin:{}", filter.name()),
            Self::Http(url) => url.to_string(),
        }
    }
}

/// Without query, fragment and user, where keys may stand.
impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(filter) => write!(f, "builtin:{}", filter.name()),
            Self::Http(url) => {
                write!(
                    f,
                    "{}://{}",
                    url.scheme(),
                    url.host_str().unwrap_or_default()
                )?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())
            }
        }
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(url: &str) -> Result<Protocol, String> {
        Protocol::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn the_url_tells_the_protocol() {
        for (url, expected) in [
            ("https://me--edit-model.modal.run", Protocol::EditB64),
            ("http://localhost:8000/edit_b64", Protocol::EditB64),
            ("http://localhost:8000/edit", Protocol::Multipart),
            ("http://localhost:8000/edit/", Protocol::Multipart),
            ("http://localhost:8000/v1", Protocol::Openai),
            ("http://localhost:8000/v1/images/edits", Protocol::Openai),
            ("https://api.openai.com/", Protocol::Openai),
            (
                "https://generativelanguage.googleapis.com/v1beta/models/x:generateContent",
                Protocol::Gemini,
            ),
            (
                "https://generativelanguage.googleapis.com/v1",
                Protocol::Gemini,
            ),
            (
                "https://aiplatform.googleapis.com/v1/publishers/google/models/x:generateContent",
                Protocol::Gemini,
            ),
            ("http://localhost:7860/sdapi/v1/img2img", Protocol::Sdapi),
            ("http://localhost:7860/sdapi/v1", Protocol::Sdapi),
            ("https://notapi.openai.com.example/", Protocol::EditB64),
        ] {
            assert_eq!(protocol(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn a_service_that_cannot_work_is_refused_by_name() {
        for (url, name) in [
            ("https://hub.oxen.ai/api/images/edit", "Oxen"),
            ("https://fal.run/fal-ai/qwen", "fal"),
            ("https://queue.fal.run/x", "fal"),
            ("https://api.replicate.com/v1/predictions", "Replicate"),
            ("http://localhost:8188/", "ComfyUI"),
            ("http://gpu:9000/prompt", "ComfyUI"),
        ] {
            let error = protocol(url).unwrap_err();
            assert!(
                error.starts_with(name) && error.contains("edit_b64"),
                "{url}: {error}"
            );
        }
    }

    #[test]
    fn an_address_prints_without_what_may_be_secret() {
        let url = EndpointUrl::parse("https://user:pass@host:8443/path?key=sesame#x").unwrap();
        assert_eq!(url.to_string(), "https://host:8443/path");
        assert_eq!(format!("{url:?}"), "EndpointUrl(https://host:8443/path)");
        assert!(url.reveal().contains("sesame"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", "localhost:8000", "ftp://x/", "builtin:rain", "http://"] {
            let error = EndpointUrl::parse(bad).unwrap_err();
            assert!(error.contains("builtin:snow"), "{bad}: {error}");
        }
    }
}
