//! A configuration with every key, its places, and what may be wrong there.

use serde_json::{Value, json};

/// A configuration with every key.
pub(crate) fn whole() -> Value {
    json!({
        "version": 1, "name": "snow", "generation_dir": "maps/nyc", "source_layer": "renders",
        "storage": "sqlite",
        "bounds": {"min_x": -1, "min_y": -2, "max_x": 3, "max_y": 4},
        "model_endpoints": [
            {"name": "a", "url": "http://localhost:1/", "api_key_env": "MODEL_KEY", "protocol": "openai",
             "model": "m", "prompt": "p", "params": {"seed": null}, "max_concurrent": 2,
             "timeout_s": 1.5, "image_format": {"jpeg": 80},
             "headers": {"x-a": "one", "x-b": {"env": "B"}}, "max_per_minute": 3, "size_policy": "pad",
             "price": {"per_call": 0.04}, "expected_s": 12.5},
            {"name": "b", "url": "builtin:snow", "price": {"per_hour": 1.8}},
        ],
        "generation_params": {"prompt": "winter", "anything": [1, null]},
        "seed": 12,
        "canvas": {"mode": "infill", "border_px": 0, "border_color": "#00fe0a", "match_px": 12,
                   "desaturation": 0.5, "gamma_shift": 1.0, "noise": 0.25},
        "accept": {"solid": false, "unchanged": 0.5, "border_left": 0.5, "drift": 2.5, "color": 20.5,
                   "seam": 0.7, "tries": 5},
        "uniform": {"mode": "fill", "color": "#4a6372", "tolerance": 7, "share": 0.9,
                    "where": "is_water", "fill": "#000001"},
        "order": "eager", "currency": "EUR", "max_cost": 25.5, "max_calls": 9000,
        "png_compression": "best", "created_at": "2026-01-02T03:04:05Z",
    })
}

/// The pointers to all places below which not just anything may stand, as in `/bounds/min_x`.
pub(crate) fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(list) => (0..).map(|i: usize| i.to_string()).zip(list).collect(),
        _ => return,
    };
    for (key, value) in inner {
        if pointer != "/generation_params" && !pointer.ends_with("/params") {
            places(value, &format!("{pointer}/{key}"), found);
        }
    }
}

/// What might be the key of a server.
pub(crate) const SECRET: &str = "sk-proj-0123456789abcdef0123456789";

/// Values that are wrong in most places.
pub(crate) fn wrong_values() -> Vec<Value> {
    vec![
        json!("a"),
        json!(SECRET),
        json!(""),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!([]),
        json!([1]),
        json!(["a", "builtin:snow"]),
        json!([0, 0, 1, 1]),
        json!({}),
        json!({"a": 1}),
        json!({"block": 1}),
        json!({"a": 1, "b": 2}),
        json!({"name": {"x": []}}),
        json!([[]]),
        json!({"min_x": SECRET}),
        json!([{"name": 1}]),
        json!([{"headers": {"x": [SECRET]}}]),
    ]
}
