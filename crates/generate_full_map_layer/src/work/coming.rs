//! Endpoints that come, go, and become others: told to the dispatcher, to people and to the record.

use dispatch::{Event, Level};
use fleet::{Endpoint, Update};
use progress_db::Change;
use report::{EndpointTold, Progress, tell_endpoints};

use super::executor::Executor;

impl Executor {
    /// Takes in what is new of the endpoints.
    pub(super) fn take_in_endpoints(&mut self, update: Update, progress: &mut Progress) {
        let Update {
            changes,
            endpoints,
            lines,
        } = update;
        for (level, line) in lines {
            match level {
                Level::Plain => progress.say(&line),
                _ => tracing::warn!("{line}"),
            }
        }
        if !endpoints.is_empty() {
            let here = endpoints.iter().filter(|(_, is_here)| *is_here);
            tell_endpoints(here.clone().map(|(endpoint, _)| as_told(endpoint)));
            self.write(here.map(|(endpoint, _)| settings_of(endpoint)).collect());
            self.work.roster.replace(endpoints);
        }
        if !changes.is_empty() {
            self.tell(Event::Endpoints(changes), progress);
            progress.endpoints_changed();
        }
    }
}

/// An endpoint as a script is told of it.
pub(crate) fn as_told(endpoint: &Endpoint) -> EndpointTold<'_> {
    EndpointTold {
        name: &endpoint.name,
        address: &endpoint.address,
        protocol: endpoint.protocol_name(),
        slots: endpoint.slots,
        adapts: endpoint.adapts,
    }
}

/// What an endpoint is told, so that the record of a call leads to it.
pub(crate) fn settings_of(endpoint: &Endpoint) -> Change {
    Change::Settings {
        hash: endpoint.settings.hash.clone(),
        told: endpoint.redact(&endpoint.settings.told_json()),
    }
}
