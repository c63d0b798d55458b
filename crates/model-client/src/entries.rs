//! What the entries of a configuration come to: prompt, parameters and their fingerprint, and what
//! is missing.

use layer::{CanvasConfig, CanvasMode, EndpointConfig, EndpointUrl, ImageFormat, LayerConfig};
use serde_json::{Map, Value, json};

use crate::protocol;
use crate::{Credentials, EndpointError, Environment, Server, Settings};

/// What a model is asked for when nobody says it.
const DEFAULT_PROMPT: &str = "Redraw this section of a city map seen from above at an angle. Keep every building, \
    street, tree and shoreline exactly where it is, keep the scale and the viewing angle, and draw up to the very \
    edges of the picture in one even style.";

/// What a model is asked for with an infill canvas when nobody says it.
const DEFAULT_INFILL_PROMPT: &str = "Draw what is inside the thin border anew, in the style of the finished picture \
    around it: the same colours, light and line work, continued across the border without a visible joint. Keep every \
    building, street, tree and shoreline inside exactly where it is, keep the scale and the viewing angle, change nothing \
    outside of the border, and leave no trace of the border itself.";

/// The same where there is no border.
const DEFAULT_BORDERLESS_PROMPT: &str = "Part of this section of a city map is finished. Redraw the rest in the style of \
    the finished part: the same colours, light and line work, continued without a visible joint. Keep every building, \
    street, tree and shoreline exactly where it is, keep the scale and the viewing angle, and do not change what is \
    finished.";

fn default_prompt(canvas: &CanvasConfig) -> String {
    let prompt = match (canvas.mode, canvas.border_px) {
        (CanvasMode::Block, _) => DEFAULT_PROMPT,
        (CanvasMode::Infill, 0) => DEFAULT_BORDERLESS_PROMPT,
        (CanvasMode::Infill, _) => DEFAULT_INFILL_PROMPT,
    };
    prompt.to_owned()
}

impl Settings {
    /// What `endpoint` is told in the layer of `config`.
    ///
    /// # Errors
    /// When a prompt is not a text, or a parameter would replace what the protocol itself sends.
    pub fn of(config: &LayerConfig, endpoint: &EndpointConfig) -> Result<Self, EndpointError> {
        let of_endpoint = format!("params of endpoint {}", endpoint.name);
        require_no_own_field(endpoint, &config.generation_params, "generation_params")?;
        require_no_own_field(endpoint, &endpoint.params, &of_endpoint)?;
        let mut layer_params = config.generation_params.clone();
        let mut endpoint_params = endpoint.params.clone();
        let in_params = take_prompt(&mut endpoint_params, &of_endpoint)?;
        let of_layer = take_prompt(&mut layer_params, "generation_params")?;
        let in_params_model = take_text(&mut endpoint_params, "model");
        let of_layer_model = take_text(&mut layer_params, "model");
        let model = in_params_model
            .or_else(|| endpoint.model.clone())
            .or(of_layer_model)
            .or_else(|| default_model(endpoint));
        let given = in_params.or_else(|| endpoint.prompt.clone()).or(of_layer);
        let has_own_prompt = given.is_some();
        let prompt = given.unwrap_or_else(|| default_prompt(&config.canvas));

        let mut merged: Vec<(&String, &Value)> = layer_params
            .iter()
            .filter(|(key, _)| !endpoint_params.contains_key(*key))
            .chain(&endpoint_params)
            .collect();
        merged.sort_by_key(|(key, _)| *key);
        let (hashed, told) = match &endpoint.url {
            // A filter is told nothing; which one it is makes all the difference.
            EndpointUrl::Builtin(filter) => (
                json!(["builtin", filter.name()]),
                vec![("filter", filter.name().into())],
            ),
            EndpointUrl::Http(_) => {
                let mut params = layer_params.clone();
                protocol::merge(&mut params, &endpoint_params);
                let mut told = vec![
                    ("prompt", prompt.as_str().into()),
                    ("model", model.as_deref().into()),
                    ("params", params.into()),
                    ("canvas", json!(config.canvas)),
                    ("source_layer", json!(config.source_layer)),
                ];
                let mut hashed = json!([prompt, merged, model, config.canvas, config.source_layer]);
                // Left out where it is as ever, so that old fingerprints hold.
                let sent_as = sent_as(endpoint, model.as_deref());
                if let (false, Value::Array(hashed)) = (sent_as.is_empty(), &mut hashed) {
                    hashed.push(json!(sent_as));
                }
                told.extend(sent_as);
                (hashed, told)
            }
        };
        let told = told.into_iter().map(|(key, value)| (key.to_owned(), value));
        let told = told.collect();
        let hash = blake3::hash(hashed.to_string().as_bytes()).to_hex()[..16].to_owned();
        Ok(Self {
            prompt,
            has_own_prompt,
            layer_params,
            endpoint_params,
            model,
            hash,
            told,
        })
    }
}

/// What a run says before its first call of the endpoints in `config`, a line each: keys that are
/// missing, and a prompt that nobody gave.
///
/// # Errors
/// Why a run would refuse one of them.
pub fn remarks(
    config: &LayerConfig,
    environment: &Environment,
) -> Result<Vec<String>, EndpointError> {
    let mut remarks = Vec::new();
    let mut asked = None;
    for endpoint in &config.model_endpoints {
        let (credentials, missing) = Credentials::of(endpoint, environment)?;
        remarks.extend(missing.iter().map(ToString::to_string));
        let settings = Settings::of(config, endpoint)?;
        if let EndpointUrl::Http(url) = &endpoint.url {
            Server::of(endpoint, url, credentials, settings.model.as_deref())?;
            if !settings.has_own_prompt {
                asked = Some(settings.prompt);
            }
        }
    }
    if config.model_endpoints.is_empty() {
        let of_layer = take_prompt(&mut config.generation_params.clone(), "generation_params")?;
        asked = of_layer.is_none().then(|| default_prompt(&config.canvas));
    }
    remarks.extend(asked.map(|prompt| {
        format!("no prompt is given; the model is asked: \"{prompt}\" (set \"prompt\" in generation_params)")
    }));
    Ok(remarks)
}

/// What the endpoints in `config` are told otherwise than by `before`, which has the same, a line each.
///
/// # Errors
/// As [`Settings::of`].
pub fn differences(
    before: &LayerConfig,
    config: &LayerConfig,
) -> Result<Vec<String>, EndpointError> {
    let entries = before.model_endpoints.iter().zip(&config.model_endpoints);
    let lines = entries.map(|(earlier, endpoint)| {
        let settings = Settings::of(config, endpoint)?;
        let told = settings.differences(&Settings::of(before, earlier)?);
        let told = match &endpoint.url {
            EndpointUrl::Builtin(_) => "has no settings, and draws as it does".to_owned(),
            EndpointUrl::Http(_) if told.is_empty() => "is told what the layer tells it".to_owned(),
            EndpointUrl::Http(_) => format!("is told {}", told.join("; ")),
        };
        Ok(format!("endpoint {} {told}", endpoint.name))
    });
    lines.collect()
}

/// What an entry says of how the canvas is sent that makes a difference.
fn sent_as(endpoint: &EndpointConfig, model: Option<&str>) -> Vec<(&'static str, Value)> {
    let format = endpoint.image_format.filter(|it| *it != ImageFormat::Png);
    let shapes = |policy| Some(protocol::shapes(endpoint.protocol()?, model, policy));
    let policy = endpoint.size_policy;
    let policy = policy.filter(|it| shapes(Some(*it)) != shapes(None));
    let format = format.map(|it| ("image_format", json!(it)));
    let policy = policy.map(|it| ("size_policy", json!(it)));
    format.into_iter().chain(policy).collect()
}

/// The model that is asked for when nobody names one, where there are several.
fn default_model(endpoint: &EndpointConfig) -> Option<String> {
    match (&endpoint.url, endpoint.protocol()) {
        (EndpointUrl::Http(url), Some(protocol)) => {
            protocol::default_model(protocol, url).map(str::to_owned)
        }
        _ => None,
    }
}

/// Refuses parameters that would replace the canvas.
fn require_no_own_field(
    endpoint: &EndpointConfig,
    params: &Map<String, Value>,
    place: &str,
) -> Result<(), EndpointError> {
    let Some(protocol) = endpoint.protocol() else {
        return Ok(());
    };
    let own = protocol::own_fields(protocol);
    let is_own = |key: &&String| {
        own.contains(&key.as_str()) || own.contains(&protocol::camel_case(key).as_str())
    };
    match params.keys().find(is_own) {
        None => Ok(()),
        Some(key) => Err(EndpointError::OwnField {
            place: place.to_owned(),
            key: key.clone(),
            endpoint: endpoint.name.clone(),
            protocol: protocol.name(),
        }),
    }
}

/// Takes a text out of the parameters; a value of another kind stays there.
fn take_text(params: &mut Map<String, Value>, key: &str) -> Option<String> {
    let text = params.get(key)?.as_str().filter(|text| !text.is_empty())?;
    let text = text.to_owned();
    params.shift_remove(key);
    Some(text)
}

fn take_prompt(
    params: &mut Map<String, Value>,
    place: &str,
) -> Result<Option<String>, EndpointError> {
    match params.shift_remove("prompt") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(prompt)) if prompt.trim().is_empty() => Ok(None),
        Some(Value::String(prompt)) => Ok(Some(prompt)),
        Some(_) => Err(EndpointError::Prompt {
            place: place.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of an endpoint with these keys, beside its name and address.
    fn of(url: &str, keys: Value) -> Settings {
        let mut entry = json!({"name": "a", "url": url});
        let Value::Object(keys) = keys else {
            panic!("{keys} are no keys")
        };
        entry.as_object_mut().unwrap().extend(keys);
        let config = json!({
            "version": 1, "name": "snow", "generation_dir": "nyc", "created_at": "2026-01-01T00:00:00Z",
            "model_endpoints": [entry],
            "generation_params": {"prompt": "deep snow", "num_inference_steps": 20},
        });
        let config: LayerConfig = serde_json::from_value(config).unwrap();
        Settings::of(&config, &config.model_endpoints[0]).unwrap()
    }

    const PLAIN: &str = "http://gpu:8000/";
    const GEMINI: &str = "https://generativelanguage.googleapis.com";
    const OPENAI: &str = "https://api.openai.com/v1";

    /// The layers that there are were made with these: what a run says of pictures that were made with
    /// other settings goes by them.
    #[test]
    fn the_fingerprints_of_layers_that_there_are_stay_what_they_were() {
        for (url, keys, expected) in [
            (PLAIN, json!({}), "9366f8b4cee8c34f"),
            (
                PLAIN,
                json!({"image_format": "png", "size_policy": "exact"}),
                "9366f8b4cee8c34f",
            ),
            (
                PLAIN,
                json!({"protocol": "sdapi", "params": {"denoising_strength": 0.5}}),
                "8df7c5c2de8c177b",
            ),
            (
                PLAIN,
                json!({"max_concurrent": 2, "timeout_s": 900, "prompt": "night"}),
                "dc6106af6239a4be",
            ),
            (
                GEMINI,
                json!({"model": "gemini-3-pro-image"}),
                "61b86ab0f3e33267",
            ),
            (
                GEMINI,
                json!({"model": "gemini-3-pro-image", "size_policy": "pad"}),
                "61b86ab0f3e33267",
            ),
            (
                OPENAI,
                json!({"model": "gpt-image-1", "size_policy": "pad"}),
                "daf8e76ad92de82d",
            ),
            (
                OPENAI,
                json!({"model": "gpt-image-2", "size_policy": "exact"}),
                "5b9338a495412c87",
            ),
            ("builtin:snow", json!({}), "36d360598276130e"),
        ] {
            let settings = of(url, keys.clone());
            assert_eq!(settings.hash, expected, "{url} {keys}");
            let told = settings.told_json();
            assert!(
                !told.contains("image_format") && !told.contains("size_policy"),
                "{told}"
            );
        }
    }

    /// What the canvas is sent as is told, and makes other settings of it.
    #[test]
    fn what_changes_the_canvas_that_is_sent_is_told_and_has_a_fingerprint_of_its_own() {
        let mut hashes = std::collections::HashSet::new();
        for (url, keys, told) in [
            (PLAIN, json!({}), json!([null, null])),
            (
                PLAIN,
                json!({"image_format": "jpeg"}),
                json!([{"jpeg": 90}, null]),
            ),
            (
                PLAIN,
                json!({"image_format": {"jpeg": 30}}),
                json!([{"jpeg": 30}, null]),
            ),
            (PLAIN, json!({"size_policy": "pad"}), json!([null, "pad"])),
            (
                PLAIN,
                json!({"size_policy": "pad", "image_format": {"jpeg": 30}}),
                json!([{"jpeg": 30}, "pad"]),
            ),
            (
                GEMINI,
                json!({"size_policy": "exact"}),
                json!([null, "exact"]),
            ),
            (
                OPENAI,
                json!({"model": "gpt-image-1", "size_policy": "exact"}),
                json!([null, "exact"]),
            ),
            (
                OPENAI,
                json!({"model": "gpt-image-2", "size_policy": "pad"}),
                json!([null, "pad"]),
            ),
        ] {
            let settings = of(url, keys.clone());
            let of_told = |key: &str| settings.told.get(key).cloned().unwrap_or_default();
            assert_eq!(
                json!([of_told("image_format"), of_told("size_policy")]),
                told,
                "{keys}"
            );
            assert!(hashes.insert(settings.hash), "{url} {keys}");
        }
    }
}
