//! What the command line says of it.

use clap::Args;

use crate::{Address, NotifyUrl};

/// Who may look at a run, and who is told of it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Watched from afar")]
#[group(skip)]
pub struct Flags {
    /// Serve metrics for Prometheus at http://ADDR/metrics while it runs: a port of this machine, or an
    /// address and a port, as in 0.0.0.0:9464
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["dry_run", "check_endpoints", "explain"])]
    pub metrics: Option<Address>,

    /// Post JSON to URL when the run ends, stalls for a minute, reaches a limit or loses an endpoint; can
    /// be given several times
    #[arg(long, value_name = "URL", conflicts_with_all = ["dry_run", "check_endpoints", "explain"])]
    pub notify: Vec<NotifyUrl>,
}
