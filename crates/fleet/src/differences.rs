//! What differs between what was and what is.

use std::collections::HashSet;

use layer::EndpointConfig;
use serde_json::Value;

/// The keys of two objects under which they do not have the same, in the order of the first.
pub(crate) fn differing_keys(was: &Value, is: &Value) -> Vec<String> {
    let keys = |value: &Value| {
        let keys = value.as_object().into_iter().flat_map(|map| map.keys());
        keys.cloned().collect::<Vec<String>>()
    };
    let added = keys(is).into_iter().filter(|key| was.get(key).is_none());
    let all = keys(was).into_iter().chain(added);
    all.filter(|key| was.get(key) != is.get(key)).collect()
}

/// The names of entries.
pub(crate) fn names_of<'a>(entries: impl Iterator<Item = &'a EndpointConfig>) -> HashSet<String> {
    entries.map(|entry| entry.name.clone()).collect()
}
