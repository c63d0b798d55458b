//! How the calls of an endpoint ended, and how long they took.

use std::time::Duration;

use crate::CallEnd;

/// Calls that ended in one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many.
    pub calls: u64,
    /// From their start to their answer, or to when they were given up, together.
    pub took: Duration,
}

/// The calls of an endpoint that are over, by how they ended: those that are neither under way nor
/// being saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ends {
    saved: Ended,
    others: [Ended; CallEnd::ALL.len()],
}

impl Ends {
    /// Each way in which a call can end, `None` where its pictures were saved, and the calls that did.
    pub fn each(&self) -> impl Iterator<Item = (Option<CallEnd>, Ended)> + '_ {
        let others = CallEnd::ALL.iter().zip(&self.others);
        let others = others.map(|(&end, &ended)| (Some(end), ended));
        std::iter::once((None, self.saved)).chain(others)
    }

    pub(super) fn add(&mut self, end: Option<CallEnd>, took: Duration) {
        let ended = match end {
            None => &mut self.saved,
            Some(end) => &mut self.others[end as usize],
        };
        ended.calls += 1;
        ended.took += took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_end_has_a_place_of_its_own() {
        let mut ends = Ends::default();
        let all = CallEnd::ALL.iter().copied().map(Some).chain([None]);
        for (times, end) in (1..).zip(all.clone()) {
            for _ in 0..times {
                ends.add(end, Duration::from_secs(1));
            }
        }
        for (times, end) in (1..).zip(all) {
            let found = ends.each().find(|(other, _)| *other == end);
            let ended = Ended {
                calls: times,
                took: Duration::from_secs(times),
            };
            assert_eq!(found, Some((end, ended)));
        }
    }
}
