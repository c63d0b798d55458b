//! The endpoints of a run as its tasks find them.

use std::sync::{Arc, PoisonError, RwLock};

use canvas::CanvasForm;
use dispatch::EndpointIndex;

use crate::endpoint::Endpoint;

/// All endpoints of a run by their places. A call keeps the one that it found.
#[derive(Debug)]
pub struct Roster(RwLock<Vec<(Arc<Endpoint>, bool)>>);

impl Roster {
    /// These, all of which are of the run.
    #[must_use]
    pub fn of(endpoints: Vec<Arc<Endpoint>>) -> Self {
        Self(RwLock::new(
            endpoints
                .into_iter()
                .map(|endpoint| (endpoint, true))
                .collect(),
        ))
    }

    /// They are these from now on, as [`Update::endpoints`](crate::Update::endpoints) has them.
    pub fn replace(&self, endpoints: Vec<(Arc<Endpoint>, bool)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = endpoints;
    }

    /// All endpoints that there are and were, by their places.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Endpoint>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(endpoint, _)| Arc::clone(endpoint))
            .collect()
    }

    /// The endpoint at a place.
    #[must_use]
    pub fn at(&self, index: EndpointIndex) -> Arc<Endpoint> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&all[index].0)
    }

    /// The forms in which the endpoints of the run take a canvas.
    #[must_use]
    pub fn forms(&self) -> Vec<CanvasForm> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut forms = Vec::with_capacity(1);
        for (endpoint, _) in all.iter().filter(|(_, is_here)| *is_here) {
            if !forms.contains(&endpoint.form) {
                forms.push(endpoint.form);
            }
        }
        forms
    }
}
