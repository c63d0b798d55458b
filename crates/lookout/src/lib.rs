//! A run seen from afar: metrics served, notices posted.
//!
//! A [`Lookout`] is there from the command line to the end of the process. What it does, it does on a
//! thread of its own, so that nobody who looks or is told holds up the run. Who runs the plan lets it
//! [look](Lookout::look) at the dispatcher; what is worth a notice it hears as the events that scripts
//! are told, too.

mod address;
mod flags;
mod lookout;
#[cfg(test)]
mod made_up;
mod mailbox;
mod metrics;
mod notice;
mod notify_url;
mod pages;
mod process;
mod reply;
mod seen;
mod serving;
mod snapshot;
mod stall;

pub use address::Address;
pub use flags::Flags;
pub use lookout::Lookout;
pub use notify_url::NotifyUrl;
