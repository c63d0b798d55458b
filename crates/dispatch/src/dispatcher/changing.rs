//! Endpoints that come, go, and become others while the run goes on.

use super::Dispatcher;
use crate::{EndpointChange, EndpointIndex, Moment};

impl Dispatcher {
    /// Takes in what is new of the endpoints.
    pub(super) fn on_endpoints(
        &mut self,
        changes: Vec<(EndpointIndex, EndpointChange)>,
        now: Moment,
    ) {
        let were_none = self.pool.all_out();
        for (endpoint, change) in changes {
            if change == EndpointChange::Replaced || change == EndpointChange::Gone {
                self.forget(endpoint);
                self.cut_comparison(endpoint);
            }
            self.pool.change(endpoint, change, now);
        }
        if were_none && !self.pool.all_out() {
            self.endpoints_since = now;
        }
        self.lack_told = false;
        self.outage_told = None;
        self.wants_canvases = true;
    }

    /// What an endpoint did speaks neither for nor against anybody any more.
    fn forget(&mut self, endpoint: EndpointIndex) {
        self.tries.forget_endpoint(endpoint);
        self.answered_by.remove(&endpoint);
        self.probing = self.probing.filter(|&(probed, _)| probed != endpoint);
    }
}
