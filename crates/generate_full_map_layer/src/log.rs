//! Diagnostics on standard error, without tearing the bars.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends diagnostics to standard error, above the bars of `bars`. `RUST_LOG` sets the level.
///
/// Only this program's own lines are written: those of the HTTP client below it would show
/// addresses and headers, and keys with them.
pub(crate) fn init(bars: &MultiProgress) {
    let level = std::env::var("RUST_LOG")
        .ok()
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(AboveBars(bars.clone()))
        .with_target(false)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()));
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    // A second run within one process, as in tests, keeps the first one's.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(own)
        .try_init();
}

struct AboveBars(MultiProgress);

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = LineAboveBars;

    fn make_writer(&'a self) -> LineAboveBars {
        LineAboveBars(self.0.clone())
    }
}

struct LineAboveBars(MultiProgress);

impl Write for LineAboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A terminal that has gone away, or a log on a full disk, is no reason to end a run.
        let _ = self.0.suspend(|| io::stderr().write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
