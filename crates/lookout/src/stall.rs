//! When a run stalls.

use std::time::Duration;

use dispatch::Moment;

/// So long a run that has work left may do none of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a run gets on.
///
/// It is at work while a call is under way that may still bring something, and when one has brought
/// something since it was looked at last. It stalls when it has work left and was not at work for a
/// minute.
#[derive(Debug, Default)]
pub(crate) struct Stall {
    /// Since when it is not at work.
    quiet_since: Option<Moment>,
    is_stalled: bool,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It has not been at work for so long.
    Stalled(Duration),
    /// It is at work again, after so long.
    Resumed(Duration),
}

impl Stall {
    /// Looks at a run, and says what has changed.
    pub(crate) fn look(
        &mut self,
        has_work_left: bool,
        is_at_work: bool,
        now: Moment,
    ) -> Option<Turn> {
        if !has_work_left {
            *self = Self::default();
            return None;
        }
        let since = *self.quiet_since.get_or_insert(now);
        let quiet = now.saturating_sub(since);
        if is_at_work {
            let was_stalled = self.is_stalled;
            *self = Self::default();
            return was_stalled.then_some(Turn::Resumed(quiet));
        }
        let is_new = !self.is_stalled && quiet >= PATIENCE;
        self.is_stalled |= is_new;
        is_new.then_some(Turn::Stalled(quiet))
    }

    /// Whether it has stalled and not got on since.
    pub(crate) fn is_stalled(&self) -> bool {
        self.is_stalled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    /// What is told of a run that is looked at every five seconds, and when; `#` is at work, `.` is
    /// not, and `-` is without work.
    fn told(looks: &str) -> Vec<(u64, Turn)> {
        let mut stall = Stall::default();
        let looks = (0..).step_by(5).zip(looks.chars());
        let told = looks.filter_map(|(at, look)| {
            let turn = stall.look(look != '-', look == '#', S(at))?;
            Some((at, turn))
        });
        told.collect()
    }

    #[test]
    fn a_stall_is_told_once_and_so_is_its_end() {
        assert_eq!(told("#############################"), []);
        assert_eq!(told("#...........#...........#"), [], "55 s are none");
        let stall = [(65, Turn::Stalled(S(60))), (120, Turn::Resumed(S(115)))];
        assert_eq!(told("#.......................#####"), stall);
        assert_eq!(
            told("#..........-............"),
            [],
            "there was nothing to do"
        );
        assert_eq!(
            told("#.......................-"),
            stall[..1],
            "the end is told elsewhere"
        );
        let twice = told("#.............#.............#");
        assert_eq!(twice.len(), 4, "{twice:?}");
    }

    proptest! {
        #[test]
        fn stalls_and_their_ends_take_turns(looks in "[#.]{1,30}([.]{12,14}|[#]|[-]){0,20}") {
            let mut was_stalled = false;
            for (at, turn) in told(&looks) {
                let is_stalled = matches!(turn, Turn::Stalled(_));
                // What has no work left forgets that it was stalled.
                prop_assert!(is_stalled || was_stalled, "{turn:?} at {at}");
                let (Turn::Stalled(quiet) | Turn::Resumed(quiet)) = turn;
                prop_assert!(quiet >= PATIENCE);
                was_stalled = is_stalled;
            }
        }
    }
}
