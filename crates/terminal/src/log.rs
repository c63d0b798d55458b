//! Diagnostics on standard error, without tearing the bars.

use std::io::{self, Write};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::Printer;
use crate::voice::{colors_errors, diagnostics};

/// Sends diagnostics to standard error, above the bars. `RUST_LOG` sets the level, or else `-q`
/// and `-v`.
///
/// Only those of the crate `program` are written: those of the HTTP client below it would show
/// addresses and headers, and keys with them.
pub fn show_diagnostics(printer: &Printer, program: &str) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(AboveBars(printer.clone()))
        .with_target(false)
        .with_ansi(colors_errors());
    let own = Targets::new().with_target(program, diagnostics());
    // A second run within one process, as in tests, keeps the first one's.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(own)
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
