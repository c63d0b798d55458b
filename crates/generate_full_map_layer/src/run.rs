//! A run from start to end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use layer::{LayerError, RunLock};
use progress_db::{
    Change, Durability, Item, ProgressDb, ProgressError, Queue, Status, complete_followers,
};
use tokio::sync::{Semaphore, mpsc};

use crate::args::Args;
use crate::check::check;
use crate::dispatch::{Dispatcher, Limits, Stop};
use crate::dry_run;
use crate::pool::Pool;
use crate::publish::publish_all;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::shutdown::Shutdown;
use crate::start::Start;
use crate::summary::summarize;
use crate::verify::damaged_items;
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
    fn early(error: String) -> Self {
        Self {
            exit_status: 3,
            summary: String::new(),
            error: Some(error),
        }
    }
}

/// Runs a layer's plan as the command line asks for.
///
/// # Errors
/// Why it could not run; then nothing was changed.
pub async fn run(args: Args) -> anyhow::Result<Ended> {
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    crate::log::init(&bars);
    let start = Start::read(&args.layer_dir, args.accept_source_change).await?;
    for warning in &start.warnings {
        tracing::warn!("{warning}");
    }
    if args.check_endpoints {
        return check(&start).await;
    }
    if args.dry_run {
        return describe(&args, &start, &bars).await;
    }
    if !start.is_complete {
        start.require_endpoints()?;
    }
    let lock = match RunLock::take(&start.layer) {
        Err(error @ LayerError::Io { .. }) => return Ok(Ended::early(error.to_string())),
        other => other?,
    };
    let mut db = match ProgressDb::open(&start.layer.progress_path()).await {
        Err(error @ ProgressError::Storage { .. }) => return Ok(Ended::early(error.to_string())),
        other => other?,
    };
    let items = match bring_up_to_date(&args, &start, &mut db, &bars).await? {
        Ok(items) => items,
        Err(stopped) => return Ok(stopped),
    };
    let queue = Queue::of(items);
    if queue.current_step().is_none() {
        db.close().await?;
        return Ok(nothing_to_do(&queue));
    }
    start.require_endpoints()?;
    tell_about_settings(&mut db, &start).await?;
    let ended = dispatch(&args, start, db, queue, bars).await;
    drop(lock);
    ended
}

/// Brings `progress.db` up to date with what earlier runs left: items that were under way when
/// one died, failed ones that are to run again, pictures that are missing or damaged.
async fn bring_up_to_date(
    args: &Args,
    start: &Start,
    db: &mut ProgressDb,
    bars: &MultiProgress,
) -> anyhow::Result<Result<Vec<Item>, Ended>> {
    let mut items = db.items().await?;
    if let Err(error) = start.require_pictures_dir(&items) {
        return Ok(Err(Ended::early(format!("{error:#}"))));
    }
    let abandoned = items
        .iter()
        .filter(|item| item.status == Status::InProgress);
    if let Err(error) = start
        .layer
        .remove_stale_parts(abandoned.flat_map(|item| item.block.quadrants()))
    {
        return Ok(Err(Ended::early(error.to_string())));
    }
    let abandoned = db.put_back_abandoned().await?;
    if abandoned > 0 {
        tracing::info!(
            "{abandoned} items were under way when the last run died; they are generated again"
        );
    }
    let failed = items
        .iter()
        .filter(|item| item.status == Status::Error)
        .count();
    if args.retry_errors && failed > 0 {
        db.put_back_failed().await?;
        tracing::info!("{failed} failed items run again");
        for item in items.iter_mut().filter(|item| item.status == Status::Error) {
            item.status = Status::Pending;
        }
    }
    if args.resume {
        let again = find_to_make_again(start, db, &items, bars).await?;
        let changes: Vec<Change> = again.iter().map(|&item| Change::PutBack { item }).collect();
        db.commit(&changes, Durability::Power).await?;
        put_back(&mut items, &again);
    }
    Ok(Ok(items))
}

/// The complete items that `--resume` puts back: those whose pictures are missing or damaged, and
/// where canvases show finished neighbours also all that were drawn to join them.
async fn find_to_make_again(
    start: &Start,
    db: &mut ProgressDb,
    items: &[Item],
    bars: &MultiProgress,
) -> anyhow::Result<Vec<i64>> {
    let mut again = find_damaged(start, db, items, bars).await?;
    if start.shows_surroundings() && !again.is_empty() {
        let followers = complete_followers(items, &again);
        tracing::info!(
            "the canvas is infill, so the complete items that were drawn to join these are made again too: {} more calls",
            followers.len()
        );
        again.extend(followers);
    }
    Ok(again)
}

async fn find_damaged(
    start: &Start,
    db: &mut ProgressDb,
    items: &[Item],
    bars: &MultiProgress,
) -> anyhow::Result<Vec<i64>> {
    let complete = items
        .iter()
        .filter(|item| item.status == Status::Complete)
        .count();
    let bar = bars.add(ProgressBar::new(complete as u64));
    bar.set_style(
        indicatif::ProgressStyle::with_template(
            "checking finished pictures {bar:24} {pos}/{len} items, {eta} left",
        )
        .expect("the template is right"),
    );
    let mut told = 0;
    let damaged = damaged_items(db, &start.layer, start.size, items, cores(), |checked| {
        bar.set_position(checked as u64);
        if bar.is_hidden() && 10 * checked / complete.max(1) > told {
            told = 10 * checked / complete.max(1);
            tracing::info!("checked the pictures of {checked} of {complete} complete items");
        }
    })
    .await?;
    bar.finish_and_clear();
    tracing::info!(
        "{complete} complete items checked: {} have missing or damaged pictures and are made again",
        damaged.len()
    );
    Ok(damaged)
}

fn put_back(items: &mut [Item], ids: &[i64]) {
    let ids: HashSet<i64> = ids.iter().copied().collect();
    for item in items.iter_mut().filter(|item| ids.contains(&item.id)) {
        item.status = Status::Pending;
    }
}

/// Says how many finished items were made with other settings than this run's.
async fn tell_about_settings(db: &mut ProgressDb, start: &Start) -> anyhow::Result<()> {
    let others: u64 = db
        .settings_of_complete_items()
        .await?
        .into_iter()
        .filter(|(hash, _)| {
            !start
                .endpoints
                .iter()
                .any(|endpoint| endpoint.settings.hash == *hash)
        })
        .map(|(_, count)| count)
        .sum();
    if others > 0 {
        tracing::warn!(
            "{others} complete items were made with other settings (prompt, parameters or canvas) than this run has; their pictures may look different"
        );
    }
    Ok(())
}

fn nothing_to_do(queue: &Queue) -> Ended {
    let mut summary = String::new();
    let (mut complete, mut failed, mut waiting) = (0, 0, 0);
    for (step, counts) in queue.steps() {
        summary += &format!(
            "[Step {step}] {}/{} complete, {} errors\n",
            counts.complete,
            counts.total(),
            counts.failed
        );
        complete += counts.complete;
        failed += counts.failed;
        waiting += counts.held_back;
    }
    if failed + waiting == 0 {
        summary += &format!("All {complete} items are complete; there is nothing to do.\n");
        return Ended {
            exit_status: 0,
            summary,
            error: None,
        };
    }
    summary += &format!(
        "{failed} items failed and {waiting} wait on them; --retry-errors runs them again.\n"
    );
    Ended {
        exit_status: 1,
        summary,
        error: None,
    }
}

async fn describe(args: &Args, start: &Start, bars: &MultiProgress) -> anyhow::Result<Ended> {
    let mut db = ProgressDb::open_read_only(&start.layer.progress_path()).await?;
    let mut items = db.items().await?;
    if args.retry_errors {
        for item in items.iter_mut().filter(|item| item.status == Status::Error) {
            item.status = Status::Pending;
        }
    }
    if args.resume {
        let again = find_to_make_again(start, &mut db, &items, bars).await?;
        put_back(&mut items, &again);
    }
    db.close().await?;
    let queue = Queue::of(items);
    let summary = dry_run::describe(
        &queue,
        &start.endpoints,
        args.max_items.map(|most| most as usize),
    );
    Ok(Ended {
        exit_status: 0,
        summary,
        error: None,
    })
}

async fn dispatch(
    args: &Args,
    start: Start,
    mut db: ProgressDb,
    queue: Queue,
    bars: MultiProgress,
) -> anyhow::Result<Ended> {
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
    let work = Arc::new(Work {
        endpoints: start.endpoints,
        client: crate::wire::client()?,
        source: start.source,
        column: start.column,
        size: start.size,
        layer: start.layer,
        canvas: start.config.canvas,
        compression: start.config.png_compression,
        recorder,
        publisher,
        being_saved,
        events,
        cores: Semaphore::new(cores()),
        cores_wide: cores(),
        writers: Work::writers(),
    });
    let limits = Limits {
        max_items: args.max_items.map(|most| most as usize),
        max_errors: args.max_errors as usize,
        startup_wait: Duration::from_secs_f64(args.startup_wait),
        drain: args.drain_s.map(Duration::from_secs_f64),
    };
    let mut shutdown = Shutdown::listen()?;
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
    let summary = summarize(&queue, &pool, &tally, report.elapsed());
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

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
