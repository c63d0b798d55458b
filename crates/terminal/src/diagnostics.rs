//! Diagnostics on standard error, without tearing the bars, and in the log.

use std::io::{self, Write};

use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::Printer;
use crate::log;
use crate::voice::{colors_errors, diagnostics};

/// Sends diagnostics to standard error, above the bars, and to the log. `RUST_LOG` sets the level,
/// or else `-q` and `-v`.
///
/// Only those of `crates` are written: those of the HTTP client below them would show addresses and
/// headers, and keys with them.
pub fn show_diagnostics(printer: &Printer, crates: &[&str]) {
    let lines = (!log::is_all()).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(AboveBars(printer.clone()))
            .with_target(false)
            .with_ansi(colors_errors())
            .with_filter(log::said_by(crates, diagnostics()))
    });
    // A second run within one process, as in tests, keeps the first one's.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(log::diagnostics_layer(crates))
        .try_init();
}

struct AboveBars(Printer);

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = LineAboveBars;

    fn make_writer(&'a self) -> LineAboveBars {
        LineAboveBars(self.0.clone())
    }
}

struct LineAboveBars(Printer);

impl Write for LineAboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.diagnose(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
