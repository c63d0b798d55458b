//! What is posted.

use std::path::Path;
use std::time::{Duration, SystemTime};

use dispatch::duration_text;
use serde_json::{Value, json};

/// The events that are posted.
const EVENTS: [&str; 5] = [LAST, "endpoint_out", "limit", "resumed", "stalled"];
/// The last of all.
const LAST: &str = "ended";

/// A notice, as it is sent.
#[derive(Debug)]
pub(crate) struct Notice {
    /// Its own: one that is sent again has the same.
    pub id: String,
    pub event: &'static str,
    pub json: String,
}

impl Notice {
    /// The notice of an event, where it is one that is posted; `id` is its own, `fields` are what
    /// scripts are told.
    pub(crate) fn of(
        event: &str,
        fields: &Value,
        id: String,
        (layer, directory): (&str, &Path),
    ) -> Option<Self> {
        let event = EVENTS.into_iter().find(|&own| own == event)?;
        let mut notice = json!({
            "version": terminal::FORMAT_VERSION,
            "id": id,
            "event": event,
            "at": terminal::time_text(SystemTime::now()),
            "text": format!("{layer}: {}", text(event, fields)),
            "host": gethostname::gethostname().to_string_lossy(),
            "program": "generate_full_map_layer",
            "layer_name": layer,
            "directory": directory.display().to_string(),
        });
        if let (Value::Object(notice), Value::Object(fields)) = (&mut notice, fields) {
            let own = fields.iter().filter(|(key, _)| !notice.contains_key(*key));
            let own: Vec<_> = own
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            notice.extend(own);
        }
        Some(Self {
            id,
            event,
            json: notice.to_string(),
        })
    }

    /// Whether no other follows.
    pub(crate) fn is_last(&self) -> bool {
        self.event == LAST
    }
}

/// A notice in a sentence, for people.
fn text(event: &str, fields: &Value) -> String {
    let said = |key: &str| fields[key].as_str().unwrap_or_default();
    let seconds = fields["seconds"].as_f64().unwrap_or_default();
    let took = duration_text(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    match event {
        "endpoint_out" => format!(
            "endpoint {} is out until its entry or its key changes: {}",
            said("endpoint"),
            said("reason")
        ),
        "limit" => said("reason").to_owned(),
        "stalled" => format!("nothing has got on for {took}: {}", said("reason")),
        "resumed" => format!("it gets on again, after {took}"),
        _ => {
            let status = fields["exit_status"].as_u64().unwrap_or_default();
            let done = match (fields["complete"].as_u64(), fields["items"].as_u64()) {
                (Some(complete), Some(items)) => format!(", {complete} of {items} items complete"),
                _ => String::new(),
            };
            let reason = match said("reason") {
                "" => String::new(),
                reason => format!(": {reason}"),
            };
            format!("ended with exit status {status} after {took}{done}{reason}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(event: &str, fields: &Value) -> Option<Value> {
        let layer = ("snow", Path::new("/maps/layers/snow"));
        let notice = Notice::of(event, fields, "1-1".to_owned(), layer)?;
        Some(serde_json::from_str(&notice.json).unwrap())
    }

    #[test]
    fn a_notice_says_which_layer_and_what() {
        let fields = json!({
            "version": 1, "exit_status": 3, "reason": "no endpoint is left", "seconds": 192.0,
            "complete": 12, "items": 25, "goes_on": "generate_full_map_layer",
        });
        let ended = notice("ended", &fields).unwrap();
        assert_eq!(
            ended["text"],
            "snow: ended with exit status 3 after 3m 12s, 12 of 25 items complete: no endpoint is left"
        );
        assert_eq!(ended["goes_on"], fields["goes_on"]);
        assert_eq!(
            (&ended["event"], &ended["id"]),
            (&"ended".into(), &"1-1".into())
        );
        assert_eq!(ended["directory"], "/maps/layers/snow");
        assert!(ended["host"].is_string() && ended["at"].is_string());
        let refused = notice("ended", &json!({"exit_status": 2, "reason": "no layer"})).unwrap();
        assert_eq!(
            refused["text"],
            "snow: ended with exit status 2 after 0s: no layer"
        );
        let out = notice("endpoint_out", &json!({"endpoint": "a", "reason": "401"})).unwrap();
        assert_eq!(
            out["text"],
            "snow: endpoint a is out until its entry or its key changes: 401"
        );
        assert!(notice("item", &json!({})).is_none() && notice("started", &json!({})).is_none());
    }
}
