//! How a quadrant came to be, in words.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use planner::{Item, Owners, Quadrant, Status};
use serde_json::Value;

use crate::changes::IN_FLIGHT;
use crate::explained::{ItemState, RecordedCall};
use crate::{Outcome, ProgressDb, ProgressError};

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
        let calls = self.calls_of(item.id).await?;
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
                let how = match self.made_without_call(id).await? {
                    Some(made) => format!("made without a call: {made}"),
                    None => format!("drawn {}", self.author(&state, &calls, quadrant).await?),
                };
                let _ = writeln!(text, "  complete since {at}, {}", one_line(&how));
            }
            _ => {
                if let Some(message) = &state.error_message {
                    let _ = writeln!(text, "  {}", one_line(message));
                }
            }
        }
        if calls.is_empty() {
            text += "no call is recorded for it\n";
        }
        let mut told: Vec<&str> = Vec::new();
        let mut of_neighbours: HashMap<i64, Vec<RecordedCall>> = HashMap::new();
        for call in &calls {
            describe(call, &mut text);
            for &at in call.joined.iter().flatten() {
                let Some(neighbour) = owner(at) else {
                    continue;
                };
                let state = self.item_state(neighbour.id).await?;
                let now = match (neighbour.status, state.completed_at) {
                    (Status::Complete, Some(since)) if since > call.started_at => {
                        format!(", which has other pictures since {}", date(since))
                    }
                    (Status::Complete, _) => String::new(),
                    (other, _) => format!(", which is {other} now"),
                };
                let calls = match of_neighbours.entry(neighbour.id) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => place.insert(self.calls_of(neighbour.id).await?),
                };
                let by = match neighbour.status {
                    Status::Complete => self.author(&state, calls, at).await?,
                    _ => by_model(&state),
                };
                let _ = writeln!(
                    text,
                    "    joined {at} of {}{now}, {}",
                    neighbour.block,
                    one_line(&by)
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

    /// Who has drawn the picture of a quadrant of a complete item, as in "by gpu-1": of the item's
    /// `calls` the one that brought what is there now.
    async fn author(
        &mut self,
        state: &ItemState,
        calls: &[RecordedCall],
        quadrant: Quadrant,
    ) -> Result<String, ProgressError> {
        // What was drawn before such things were recorded is by whoever was called last.
        let is_saved = |call: &&RecordedCall| call.outcome == Outcome::Ok.name();
        let last_saved = calls.iter().rfind(is_saved);
        let is_recorded = match last_saved {
            Some(call) => call.drew.is_some(),
            None => calls.iter().any(|call| call.drew.is_some()),
        };
        if !is_recorded {
            return Ok(by_model(state));
        }
        let picture = self.pictures(&[quadrant]).await?.pop().flatten();
        let is_drawn_by = |call: &&RecordedCall| {
            let drew = call.drew.as_deref().unwrap_or_default();
            let is_it = |short: &str| picture.as_ref().is_some_and(|it| it.short() == short);
            drew.split(' ').any(is_it)
        };
        let is_own = |call: &&RecordedCall| call.outcome != Outcome::Compared.name();
        let mut own = calls.iter().filter(is_own);
        let Some(call) = own.clone().rfind(is_drawn_by) else {
            return Ok("by somebody: none of its recorded calls has brought this picture".into());
        };
        let by = format!("by {}", call.endpoint);
        let is_last = own
            .next_back()
            .is_some_and(|last| last.attempt == call.attempt);
        let attempt = call.attempt;
        Ok(match (call.outcome == Outcome::Ok.name(), is_last) {
            (true, true) => by,
            (true, false) => format!("{by}: the pictures of call {attempt}, which were put back"),
            (false, _) => format!("{by}: the answer of call {attempt}, which was accepted by hand"),
        })
    }
}

/// Whoever was called last.
fn by_model(state: &ItemState) -> String {
    format!("by {}", state.model_name.as_deref().unwrap_or("somebody"))
}

fn describe(call: &RecordedCall, text: &mut String) {
    let outcome = match (call.ended_at, &*call.outcome) {
        (Some(ended), outcome) => {
            format!(
                "{outcome} after {:.1} s",
                (ended - call.started_at).max(0.0)
            )
        }
        (None, IN_FLIGHT) => format!("{IN_FLIGHT}, unless its run was killed"),
        (None, outcome) => format!("{outcome}, for its run was killed"),
    };
    let protocol = call.protocol.as_deref();
    let protocol = protocol.map_or_else(String::new, |name| format!(" ({})", one_line(name)));
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
        "call {} at {} to {}{protocol}, {seed}, settings {}: {}{status}{message}",
        call.attempt,
        date(call.started_at),
        one_line(&call.endpoint),
        one_line(&call.settings_hash),
        one_line(&outcome),
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
