//! Endpoints that come and go while runs go on, and what is edited of them.

use std::time::Duration;

use dispatch::EndpointChange;

use crate::chance::Chance;
use crate::servers::{Mood, Server};

/// Something that is done to an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edit {
    pub at: Duration,
    pub server: usize,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// Its machine, which had vanished, is there again under another address.
    Returns,
    Leaves,
    Comes,
    /// So many slots, and so many calls a minute; what it asked for still holds.
    Limits(usize, Option<usize>),
    KeyMended,
    /// Whoever rests, is out or asked to be left alone gets another chance.
    AllAgain,
}

/// What happens to the endpoints of a layer until `horizon`; nothing for most layers. Those at the end
/// of the list may be there only later.
pub(crate) fn made_up(servers: &mut [Server], horizon: Duration, chance: &mut Chance) -> Vec<Edit> {
    let mut edits = Vec::new();
    if !chance.happens(0.4) {
        return edits;
    }
    for server in servers.iter_mut().filter(|_| chance.happens(0.2)) {
        (server.limits.adapts, server.limits.slots) = (true, 16);
    }
    let late = chance.below(servers.len());
    let mut comes = Duration::ZERO;
    for number in (1..servers.len()).filter(|&number| number > late) {
        comes += chance.duration(1.0, 1000.0);
        servers[number].is_here = false;
        edits.push(Edit {
            at: comes,
            server: number,
            what: What::Comes,
        });
    }
    for (number, server) in servers.iter_mut().enumerate() {
        let mut at = comes;
        while at < horizon && chance.happens(0.8) {
            at += chance.duration(1.0, 4000.0);
            let mut edit = |at, what| {
                edits.push(Edit {
                    at,
                    server: number,
                    what,
                });
            };
            match chance.below(6) {
                0 | 1 => {
                    let until = at + chance.duration(10.0, 2000.0);
                    let mood = chance.pick(&[Mood::Down, Mood::Vanished]);
                    server.impose(at, until, mood);
                    at = until + chance.duration(0.001, 5.0);
                    edit(at, What::Returns);
                }
                2 if number > 0 => {
                    edit(at, What::Leaves);
                    if chance.happens(0.3) {
                        break;
                    }
                    at += chance.duration(0.1, 2000.0);
                    edit(at, What::Comes);
                }
                3 => {
                    let per_minute = chance.pick(&[None, None, Some(5), Some(60)]);
                    edit(at, What::Limits(chance.pick(&[1, 2, 3, 8]), per_minute));
                }
                4 => {
                    let until = at + chance.duration(1.0, 1000.0);
                    server.impose(at, until, Mood::KeyRefused);
                    at = until;
                    edit(at, What::KeyMended);
                }
                _ => {
                    if chance.happens(0.5) {
                        // It works again long before it said.
                        let until = at + chance.duration(1.0, 100.0);
                        let asked = Some(chance.duration(100.0, 500.0));
                        server.impose(at, until, Mood::Away(429, asked));
                        at = until;
                    }
                    edit(at, What::AllAgain);
                }
            }
        }
    }
    edits.sort_by_key(|edit| edit.at);
    edits
}

impl Edit {
    /// Does it; what a run is told of it that has so many endpoints. One that joins them raises the
    /// number.
    pub(crate) fn apply(
        self,
        servers: &mut [Server],
        joined: &mut usize,
    ) -> Vec<(usize, EndpointChange)> {
        let (index, server) = (self.server, &mut servers[self.server]);
        let again = match self.what {
            What::Returns => {
                server.come_back();
                Some(EndpointChange::Replaced)
            }
            What::Leaves => {
                let was_here = std::mem::replace(&mut server.is_here, false);
                return Vec::from_iter(was_here.then_some((index, EndpointChange::Gone)));
            }
            What::Comes => {
                server.is_here = true;
                let is_new = *joined <= index;
                *joined = (*joined).max(index + 1);
                (!is_new).then_some(EndpointChange::Replaced)
            }
            What::Limits(slots, per_minute) => {
                if !server.limits.adapts {
                    server.limits.slots = slots;
                }
                server.limits.max_per_minute = per_minute;
                Some(EndpointChange::TriedAgain)
            }
            What::KeyMended => {
                server.take_key();
                Some(EndpointChange::TriedNow)
            }
            What::AllAgain => {
                let here = (0..*joined).filter(|&other| servers[other].is_here);
                return here.map(|at| (at, EndpointChange::TriedNow)).collect();
            }
        };
        if !server.is_here || index >= *joined {
            return Vec::new();
        }
        let here = EndpointChange::Here(server.limits.clone());
        let again = again.into_iter();
        std::iter::once(here)
            .chain(again)
            .map(|change| (index, change))
            .collect()
    }
}
