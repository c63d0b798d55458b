//! What calls cost, as a configuration says it.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::reading::shown;

/// What an endpoint costs, in units of the layer's currency: `{"per_call": 0.04}` or
/// `{"per_hour": 1.8}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Price {
    /// Each call that brings an answer.
    PerCall(f64),
    /// A rented machine, for an hour; its slots share that.
    PerHour(f64),
}

/// More than anybody pays, and little enough to add up.
pub(crate) const MOST: f64 = 1e9;

impl TryFrom<Value> for Price {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let amount = |key: &str| value.get(key).and_then(Value::as_f64);
        let entries = value.as_object().map_or(0, serde_json::Map::len);
        let price = match (amount("per_call"), amount("per_hour"), entries) {
            (Some(price), None, 1) => Some((price, Self::PerCall(price))),
            (None, Some(price), 1) => Some((price, Self::PerHour(price))),
            _ => None,
        };
        match price {
            Some((amount, price)) if (0.0..=MOST).contains(&amount) => Ok(price),
            _ => Err(format!(
                "must be {{\"per_call\": 0.04}} or {{\"per_hour\": 1.8}}, one of the two, with a number from 0 to {MOST}, not {}",
                shown_with_entries(&value)
            )),
        }
    }
}

/// A value, and of an object what stands in it, where that is a name and no more than a word.
fn shown_with_entries(value: &Value) -> String {
    let is_name = |key: &str| {
        let is_of_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        key.len() <= 16 && key.chars().all(is_of_name)
    };
    match value.as_object() {
        Some(entries) if entries.len() <= 3 && entries.keys().all(|key| is_name(key)) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| format!("{key:?}: {}", shown(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        _ => shown(value),
    }
}

impl From<Price> for Value {
    fn from(price: Price) -> Self {
        match price {
            Price::PerCall(amount) => serde_json::json!({"per_call": amount}),
            Price::PerHour(amount) => serde_json::json!({"per_hour": amount}),
        }
    }
}

/// The currency where none is named.
pub(crate) fn usd() -> String {
    "USD".to_owned()
}

pub(crate) fn is_usd(currency: &str) -> bool {
    currency == "USD"
}

/// A currency's name or sign: it is only shown.
pub(crate) fn read_currency<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_plain = text
        .chars()
        .all(|sign| !sign.is_control() && !sign.is_whitespace());
    match text.chars().count() {
        1..=8 if is_plain => Ok(text),
        _ => Err(D::Error::custom(format!(
            "must be a currency's name or sign of at most 8 characters, as \"USD\", not {}",
            shown(&text.into())
        ))),
    }
}

pub(crate) fn read_amount<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(amount) if !(0.0..=MOST).contains(&amount) => Err(D::Error::custom(format!(
            "must be an amount of 0 or more, not {amount}"
        ))),
        amount => Ok(amount),
    }
}
