//! How a quadrant came to be, in words.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use planner::{Item, Owners, Quadrant, Status};
use serde_json::Value;

use crate::explained::RecordedCall;
use crate::{ProgressDb, ProgressError};

impl ProgressDb {
    /// All that is recorded of the item that holds `quadrant`, in lines for people.
    ///
    /// # Errors
    /// [`ProgressError::NotPlanned`] when it is in no item; others when the database cannot be read.
    pub async fn explanation(&mut self, quadrant: Quadrant) -> Result<String, ProgressError> {
        let items = self.items().await?;
        let owners = Owners::of(items.iter().map(|item| item.block));
        let owner = |quadrant| {
            let index = owners.of_quadrant(quadrant)?;
            Some(items[index as usize])
        };
        let item = owner(quadrant).ok_or_else(|| ProgressError::NotPlanned {
            path: self.path.clone(),
            quadrant,
        })?;
        let mut text = String::new();
        let state = self.item_state(item.id).await?;
        let Item {
            id,
            step,
            block,
            status,
        } = item;
        let _ = writeln!(
            text,
            "quadrant {quadrant} is of {block}, item {id}, step {step}: {status}"
        );
        match status {
            Status::Complete => {
                let at = state.completed_at.map_or("some time".to_owned(), date);
                let model = state.model_name.as_deref().unwrap_or("somebody");
                let how = match self.made_without_call(id).await? {
                    Some(made) => format!("made without a call: {made}"),
                    None => format!("drawn by {model}"),
                };
                let _ = writeln!(text, "  complete since {at}, {}", one_line(&how));
            }
            _ => {
                if let Some(message) = &state.error_message {
                    let _ = writeln!(text, "  {}", one_line(message));
                }
            }
        }
        let calls = self.calls_of(id).await?;
        if calls.is_empty() {
            text += "no call is recorded for it\n";
        }
        let mut told: Vec<&str> = Vec::new();
        for call in &calls {
            describe(call, &mut text);
            for &at in call.joined.iter().flatten() {
                let Some(neighbour) = owner(at) else {
                    continue;
                };
                let state = self.item_state(neighbour.id).await?;
                let drawn = match (neighbour.status, state.completed_at) {
                    (Status::Complete, Some(since)) if since <= call.started_at => String::new(),
                    (Status::Complete, Some(since)) => {
                        format!(", which was drawn anew {}", date(since))
                    }
                    (Status::Complete, None) => String::new(),
                    (other, _) => format!(", which is {other} now"),
                };
                let by = state.model_name.as_deref().unwrap_or("somebody");
                let _ = writeln!(
                    text,
                    "    joined {at} of {}, by {}{drawn}",
                    neighbour.block,
                    one_line(by)
                );
            }
            if call.joined.is_none() {
                text += "    what it joined was not recorded\n";
            }
            if !told.contains(&call.settings_hash.as_str()) {
                told.push(&call.settings_hash);
            }
        }
        for hash in told {
            let _ = writeln!(text, "settings {}", one_line(hash));
            match self.settings(hash).await? {
                None => text += "    were not recorded\n",
                Some(settings) => describe_settings(&settings, &mut text),
            }
        }
        Ok(text)
    }
}

fn describe(call: &RecordedCall, text: &mut String) {
    let took = match call.ended_at {
        Some(ended) => format!("{:.1} s", (ended - call.started_at).max(0.0)),
        None => "never ended".to_owned(),
    };
    let seed = match call.seed {
        Some(seed) => format!("seed {seed}"),
        None => "no seed".to_owned(),
    };
    let status = call
        .http_status
        .map_or_else(String::new, |status| format!(", HTTP {status}"));
    let message = call
        .message
        .as_deref()
        .map_or_else(String::new, |message| format!(": {}", one_line(message)));
    let _ = writeln!(
        text,
        "call {} at {} to {}, {seed}, settings {}: {} after {took}{status}{message}",
        call.attempt,
        date(call.started_at),
        one_line(&call.endpoint),
        one_line(&call.settings_hash),
        one_line(&call.outcome),
    );
}

/// What the model was told, a line for each of its keys.
fn describe_settings(settings: &str, text: &mut String) {
    match serde_json::from_str(settings) {
        Ok(Value::Object(settings)) => {
            for (key, value) in settings {
                let value = match value {
                    Value::String(value) => one_line(&value),
                    other => one_line(&other.to_string()),
                };
                let _ = writeln!(text, "    {key}: {value}");
            }
        }
        _ => {
            let _ = writeln!(text, "    {}", one_line(settings));
        }
    }
}

fn date(unix_s: f64) -> String {
    let since = Duration::try_from_secs_f64(unix_s).unwrap_or_default();
    let time = SystemTime::UNIX_EPOCH.checked_add(since);
    let time = time.unwrap_or(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A text of somebody else's, without what would move a terminal's cursor.
fn one_line(text: &str) -> String {
    let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(visible).collect()
}
