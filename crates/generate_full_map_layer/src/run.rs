//! A run from start to end.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressDrawTarget};
use layer::LayerError;
use progress_db::ProgressError;
use tokio::sync::mpsc;

use crate::args::Args;
use crate::cores::Cores;
use crate::cpu_time::CpuTime;
use crate::dispatch::{Dispatcher, Limits, Stop};
use crate::pool::Pool;
use crate::publish::publish_all;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::setup::{Ready, ToRun, prepare};
use crate::shutdown::{Shutdown, Signal};
use crate::summary::summarize;
use crate::work::Work;

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status: 0, 1, 3, 130 or 143.
    pub exit_status: u8,
    /// What was done, for standard output.
    pub summary: String,
    /// Why it stopped early, for standard error.
    pub error: Option<String>,
}

impl Ended {
    pub(crate) fn early(error: String) -> Self {
        Self {
            exit_status: 3,
            summary: String::new(),
            error: Some(error),
        }
    }

    fn interrupted(signal: Signal) -> Self {
        Self {
            exit_status: signal.exit_status(),
            summary: format!("{signal}: ended before the first call; nothing was called.\n"),
            error: None,
        }
    }
}

/// Runs a layer's plan as the command line asks for.
///
/// # Errors
/// Why it could not run; then nothing was changed.
pub async fn run(args: Args) -> anyhow::Result<Ended> {
    let mut shutdown = Shutdown::listen()?;
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    crate::log::init(&bars);
    sqlite::on_wait(|line| tracing::warn!("{line}"));
    let ready = tokio::select! {
        biased;
        signal = shutdown.next() => return Ok(Ended::interrupted(signal)),
        ready = prepare(&args, &bars) => ready,
    };
    match ready {
        Ok(Ready::ToRun(to_run)) => dispatch(&args, *to_run, bars, shutdown).await,
        Ok(Ready::Ended(ended)) => Ok(ended),
        Err(error) if is_storage_failure(&error) => Ok(Ended::early(format!(
            "{error:#}; nothing was called: mend it and run the same command again"
        ))),
        Err(error) => Err(error),
    }
}

/// A disk that is full or cannot be written: what is mended, and then the run goes on.
fn is_storage_failure(error: &anyhow::Error) -> bool {
    let of_layer = error.downcast_ref::<LayerError>();
    let of_progress = error.downcast_ref::<ProgressError>();
    of_layer.is_some_and(LayerError::is_of_storage)
        || matches!(of_progress, Some(ProgressError::Storage { .. }))
}

async fn dispatch(
    args: &Args,
    to_run: ToRun,
    bars: MultiProgress,
    mut shutdown: Shutdown,
) -> anyhow::Result<Ended> {
    let ToRun {
        start,
        mut db,
        queue,
        // Held until the last line is written.
        lock: _lock,
    } = to_run;
    let last_attempt = db.last_attempt().await?;
    let report = Report::new(bars, queue.steps());
    for endpoint in &start.endpoints {
        report.say(&format!(
            "endpoint {}: {} ({}, {} at a time)",
            endpoint.name,
            endpoint.address,
            endpoint.protocol_name(),
            endpoint.slots
        ));
    }
    let pool = Pool::new(
        start.endpoints.iter().map(|endpoint| {
            (
                endpoint.name.clone(),
                endpoint.slots,
                endpoint.max_per_minute,
            )
        }),
        args.max_concurrent.map(|most| most as usize),
    );
    let (recorder, writer) = Recorder::start(db);
    let (events, mut incoming) = mpsc::unbounded_channel();
    let (publisher, finished) = mpsc::unbounded_channel();
    let being_saved = Arc::new(AtomicUsize::new(0));
    let publishing = tokio::spawn(publish_all(
        Arc::clone(&start.layer),
        recorder.clone(),
        finished,
        Arc::clone(&being_saved),
        events.clone(),
    ));
    let cpu_time = Arc::new(CpuTime::default());
    let work = Arc::new(Work {
        endpoints: start.endpoints,
        client: model_client::Client::new()?,
        source: start.source,
        column: start.column,
        size: start.size,
        layer: start.layer,
        canvas: start.config.canvas,
        compression: start.config.png_compression,
        cpu_time: Arc::clone(&cpu_time),
        recorder,
        publisher,
        being_saved,
        events,
        cores: Cores::start(cores())?,
        writers: Work::writers(),
    });
    let limits = Limits {
        max_items: args.max_items.map(|most| most as usize),
        max_errors: args.max_errors as usize,
        startup_wait: Duration::from_secs_f64(args.startup_wait),
        drain: args.drain_s.map(Duration::from_secs_f64),
    };
    let mut dispatcher = Dispatcher::new(work, queue, pool, report, limits, last_attempt);
    let stop = dispatcher.run(&mut incoming, &mut shutdown).await;
    dispatcher.report.finish();
    let Dispatcher {
        work,
        queue,
        pool,
        report,
        tally,
        ..
    } = dispatcher;
    // When the last piece of work is done the publisher and the writer end, one after the other.
    drop(work);
    let _ = publishing.await;
    if let Ok(db) = writer.await {
        // A full disk may refuse to fold the log into the database; the next run does it.
        let _ = db.close().await;
    }
    let summary = summarize(&queue, &pool, &tally, report.elapsed(), &cpu_time);
    let unfinished = queue
        .steps()
        .values()
        .any(|counts| counts.failed + counts.held_back > 0);
    let (exit_status, error) = match stop {
        Some(Stop::Signal(signal)) => (signal.exit_status(), None),
        Some(Stop::Early(reason)) => (3, Some(reason)),
        None if unfinished => (
            1,
            Some(
                "some items failed, or wait on failed ones; --retry-errors runs them again"
                    .to_owned(),
            ),
        ),
        None => (0, None),
    };
    Ok(Ended {
        exit_status,
        summary,
        error,
    })
}

/// How many cores the machine has.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
