//! What the entries of a configuration come to: prompt, parameters and their fingerprint, and what
//! is missing.

use layer::{CanvasConfig, CanvasMode, EndpointConfig, EndpointUrl, LayerConfig};
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
                let told = vec![
                    ("prompt", prompt.as_str().into()),
                    ("model", model.as_deref().into()),
                    ("params", params.into()),
                    ("canvas", json!(config.canvas)),
                    ("source_layer", json!(config.source_layer)),
                ];
                let hashed = json!([prompt, merged, model, config.canvas, config.source_layer]);
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
