//! The names of pilots.

use std::fmt;
use std::time::SystemTime;

use crate::file_timestamp;

/// The name of a pilot's directory: when it began, as in `20261122T140300Z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PilotName(String);

impl PilotName {
    /// That of a pilot that begins then.
    pub(crate) fn of(time: SystemTime) -> Self {
        Self(file_timestamp(time))
    }

    /// The pilot of this name; `None` where it is the name of none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let is_digit = |&at: &usize| name.as_bytes()[at].is_ascii_digit();
        let is_one = name.len() == 16
            && name.as_bytes()[8] == b'T'
            && name.as_bytes()[15] == b'Z'
            && (0..8).chain(9..15).all(|at| is_digit(&at));
        is_one.then(|| Self(name.to_owned()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PilotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["20261122T140300Z", "00000000T000000Z"] {
            assert_eq!(PilotName::parse(name).unwrap().as_str(), name);
        }
        let others = [
            "",
            "..",
            "20261122T140300",
            "20261122t140300z",
            "2026-11-22T14:03",
            "20261122T140300Z ",
            "20261122T14030éZ",
            "../20261122T1403",
            "é0261122T14030Z",
        ];
        for other in others {
            assert_eq!(PilotName::parse(other), None, "{other}");
        }
    }
}
