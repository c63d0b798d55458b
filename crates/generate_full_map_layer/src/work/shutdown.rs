//! Signals: SIGINT and SIGTERM end a run, and so does SIGHUP when the terminal is gone, unless it was
//! ignored at the start, as under `nohup`; else it asks for another look at the endpoints. SIGXFSZ must
//! not end anything.

use std::fs::{self, File};
use std::time::Duration;

use dispatch::Signal;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;

/// What a signal asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heard {
    /// The end of the run.
    End(Signal),
    /// Another look at the endpoints.
    LookAgain,
}

/// Hears the first signal that asks for the end; a second one ends the process at once.
#[derive(Debug)]
pub(crate) struct Shutdown {
    signals: mpsc::UnboundedReceiver<Heard>,
}

impl Shutdown {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let a process listen.
    pub(crate) fn listen() -> std::io::Result<Self> {
        // With nobody listening, a file that grows beyond a limit of the user's would end the
        // process; heard and let pass, it is an error of the write, as on a full disk.
        let _heard = unix::signal(SignalKind::from_raw(libc::SIGXFSZ))?;
        // Who listens does not ignore any more.
        let terminal = ControllingTerminal::at_start();
        let mut interrupt = unix::signal(SignalKind::interrupt())?;
        let mut terminate = unix::signal(SignalKind::terminate())?;
        let mut hang_up = unix::signal(SignalKind::hangup())?;
        let (sender, signals) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut heard = false;
            loop {
                let signal = tokio::select! {
                    Some(()) = interrupt.recv() => Signal::Interrupt,
                    Some(()) = terminate.recv() => Signal::Terminate,
                    Some(()) = hang_up.recv() => Signal::HangUp,
                };
                if signal == Signal::HangUp && !terminal.is_gone().await {
                    let _ = sender.send(Heard::LookAgain);
                    continue;
                }
                // What is complete is durable, and the next run does the rest again.
                if heard {
                    let reason = format!("{signal}, twice");
                    terminal::tell_sudden_end(signal.exit_status(), &reason);
                    std::process::exit(i32::from(signal.exit_status()));
                }
                heard = true;
                let _ = sender.send(Heard::End(signal));
            }
        });
        Ok(Self { signals })
    }

    /// The first signal that asks for the end.
    pub(crate) async fn end(&mut self) -> Signal {
        loop {
            if let Heard::End(signal) = self.next().await {
                return signal;
            }
        }
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Heard {
        match self.signals.recv().await {
            Some(signal) => signal,
            // The listener ends only with the process.
            None => std::future::pending().await,
        }
    }
}

/// The terminal that the process was started from, where there is one that the run ends with.
#[derive(Debug, Clone, Copy)]
struct ControllingTerminal {
    was_there: bool,
}

impl ControllingTerminal {
    fn at_start() -> Self {
        Self {
            was_there: !ignores_hang_up() && is_there(),
        }
    }

    /// Whether it was closed. The system may say so a little after it has sent the signal.
    async fn is_gone(self) -> bool {
        for _ in 0..10 {
            if !self.was_there || !is_there() {
                return self.was_there;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

/// Whether the process has a terminal that would hang it up.
fn is_there() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Whether SIGHUP is ignored, as `nohup` has it. Where the system does not tell, it is not.
fn ignores_hang_up() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (libc::SIGHUP - 1)) != 0)
}
