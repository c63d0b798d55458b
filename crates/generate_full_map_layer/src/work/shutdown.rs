//! Signals: SIGINT, SIGTERM and SIGHUP end a run, SIGXFSZ must not.

use dispatch::Signal;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;

/// Hears the first signal; a second one ends the process at once.
#[derive(Debug)]
pub(crate) struct Shutdown {
    signals: mpsc::UnboundedReceiver<Signal>,
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
                // What is complete is durable, and the next run does the rest again.
                if heard {
                    let reason = format!("{signal}, twice");
                    terminal::tell_sudden_end(signal.exit_status(), &reason);
                    std::process::exit(i32::from(signal.exit_status()));
                }
                heard = true;
                let _ = sender.send(signal);
            }
        });
        Ok(Self { signals })
    }

    /// The first signal.
    pub(crate) async fn next(&mut self) -> Signal {
        match self.signals.recv().await {
            Some(signal) => signal,
            // The listener ends only with the process.
            None => std::future::pending().await,
        }
    }
}
