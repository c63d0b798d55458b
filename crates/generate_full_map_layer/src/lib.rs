//! Runs a layer's plan on a pool of model endpoints.
