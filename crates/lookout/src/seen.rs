//! What is seen of a run and worth an event.

use std::time::Duration;

use dispatch::CallEnd::{Away, EndpointOut, Interrupted, NotSaved};
use dispatch::{Dispatcher, Moment};
use report::totals_of;
use serde_json::{Value, json};

use crate::stall::{Stall, Turn};

/// So often it is looked whether a run gets on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What was seen of the run.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    looked: Option<Moment>,
    /// Calls that had brought something, at the last look.
    brought: u64,
    stall: Stall,
    told_limit: bool,
}

impl Seen {
    /// Looks at a run, and says what there is to tell: events and their fields.
    pub(crate) fn look(
        &mut self,
        dispatcher: &Dispatcher,
        now: Moment,
    ) -> Vec<(&'static str, Value)> {
        let mut told = Vec::new();
        if !self.told_limit
            && let Some(words) = dispatcher.limit()
        {
            self.told_limit = true;
            let totals = totals_of(dispatcher);
            told.push(("limit", json!({"reason": words, "totals": totals})));
        }
        if self.looked.is_none_or(|looked| now >= looked + LOOK_EVERY) {
            self.looked = Some(now);
            told.extend(self.turn(dispatcher, now));
        }
        told
    }

    /// Whether the run has stalled.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stall.is_stalled()
    }

    fn turn(&mut self, dispatcher: &Dispatcher, now: Moment) -> Option<(&'static str, Value)> {
        let brought = brought(dispatcher);
        let is_at_work = brought != self.brought || dispatcher.is_at_work(now);
        self.brought = brought;
        let has_work_left = dispatcher.has_work_left();
        let turn = self.stall.look(has_work_left, is_at_work, now)?;
        let (Turn::Stalled(quiet) | Turn::Resumed(quiet)) = turn;
        let mut told = json!({"seconds": quiet.as_secs_f64(), "totals": totals_of(dispatcher)});
        Some(match turn {
            Turn::Stalled(_) => {
                told["reason"] = dispatcher.waits_for(now).into();
                ("stalled", told)
            }
            Turn::Resumed(_) => ("resumed", told),
        })
    }
}

/// How many calls have brought something, and be it an answer of no use.
fn brought(dispatcher: &Dispatcher) -> u64 {
    let members = dispatcher.pool().members().iter();
    let ends = members.flat_map(|member| member.ends().each());
    let brought =
        ends.filter(|(end, _)| !matches!(end, Some(Away | EndpointOut | Interrupted | NotSaved)));
    brought.map(|(_, ended)| ended.calls).sum()
}

#[cfg(test)]
mod tests {
    use dispatch::{Event, Failure, Order};

    use super::*;
    use crate::made_up::dispatcher;

    /// What is told of a run whose calls each take so many seconds and bring this, over so many
    /// minutes.
    fn told(minutes: u64, takes: u64, brings: impl Fn(u64) -> Result<(), Failure>) -> Vec<String> {
        let (mut run, mut seen) = (dispatcher(&["a", "b"]), Seen::default());
        let mut coming: Vec<(u64, Event)> = vec![(0, Event::Wake)];
        let mut told = Vec::new();
        for now in 0..minutes * 60 {
            let moment = Duration::from_secs(now);
            let mut due: Vec<Event> = vec![Event::Wake];
            coming.retain(|(at, event)| {
                let is_due = *at <= now;
                due.extend(is_due.then(|| event.clone()));
                !is_due
            });
            while let Some(event) = due.pop() {
                for order in run.on(event, moment) {
                    match order {
                        Order::Prepare { canvas, .. } => due.push(Event::Prepared {
                            canvas,
                            result: Ok(()),
                        }),
                        Order::Call { attempt, .. } => coming.push((
                            now + takes,
                            Event::Called {
                                attempt,
                                result: brings(now),
                            },
                        )),
                        Order::Save { attempt, .. } => due.push(Event::Saved {
                            attempts: vec![attempt],
                        }),
                        Order::Probe(endpoint) => due.push(Event::Probed {
                            endpoint,
                            result: Err(Failure::away("nobody is there")),
                        }),
                        _ => {}
                    }
                }
            }
            told.extend(seen.look(&run, moment).into_iter().map(|(name, fields)| {
                let reason = fields["reason"].as_str().unwrap_or_default();
                format!("{name} {reason}")
            }));
        }
        told
    }

    #[test]
    fn a_long_call_is_no_stall() {
        assert_eq!(told(60, 590, |_| Ok(())), Vec::<String>::new());
    }

    #[test]
    fn an_outage_is_a_stall_and_its_end_is_told() {
        let brings = |now| match now {
            120..1800 => Err(Failure::away("nobody is there")),
            _ => Ok(()),
        };
        let told = told(60, 30, brings);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].starts_with("stalled no endpoint answers: a ("),
            "{told:?}"
        );
        assert!(told[0].contains("nobody is there"), "{told:?}");
        assert_eq!(told[1], "resumed ");
    }
}
