//! How far a long look at items is.

use std::time::{Duration, Instant};

use dispatch::duration_text;
use terminal::{Bar, Printer};

/// How often the progress of a long look is told where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// What a long look is called: on a terminal, and where there is none.
#[derive(Clone, Copy)]
pub struct Looking {
    /// Beside its bar.
    pub label: &'static str,
    /// The line that says how many of all were seen.
    pub line: fn(usize, usize) -> String,
    /// Fewer items are not worth a line.
    pub many: usize,
}

/// Tells how far a long look at `all` items is, given how many were seen.
pub fn teller(printer: &Printer, looking: Looking, all: usize) -> impl FnMut(usize) + use<> {
    let began = Instant::now();
    let (mut told, mut told_at) = (0, began);
    let printer = printer.clone();
    move |seen| {
        let tenths = 10 * seen / all.max(1);
        if printer.is_terminal() {
            let left = (all.saturating_sub(seen)) as f64 / seen.max(1) as f64;
            let left = began.elapsed().mul_f64(left);
            printer.show(vec![Bar {
                label: looking.label.to_owned(),
                done: seen as u64,
                of: all as u64,
                text: format!("{seen}/{all} items, {} left", duration_text(left)),
            }]);
        } else if all >= looking.many && (tenths > told || told_at.elapsed() > TELL_EVERY) {
            (told, told_at) = (tenths, Instant::now());
            tracing::info!("{}", (looking.line)(seen, all));
        }
    }
}
