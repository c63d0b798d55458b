//! A run from start to end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use cores::{Cores, CpuTime};
use dispatch::{Dispatcher, Ending, Handle, Limits, Pool, Queue, Surroundings};
use fleet::{Endpoint, Roster, Watch};
use layer::LayerError;
use lookout::Lookout;
use planner::{Item, Quadrant, Status};
use progress_db::{Change, Durability, ProgressError, Recorder};
use report::{Besides, Ended, Figures, PilotMade, Progress, flat_water, tell_start};
use terminal::Printer;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use upkeep::{Gate, UpkeepError};

use crate::args::Args;
use crate::start::budget::{budget, needs_prices};
use crate::start::pilot::goes_on;
use crate::start::ready::{Ready, ToRun, most_together};
use crate::start::setup::prepare;
use crate::start::trial::told_to;
use crate::work::coming::{as_told, settings_of};
use crate::work::executor::Executor;
use crate::work::fault_point::fault_point;
use crate::work::publish::publish_all;
use crate::work::shutdown::Shutdown;
use crate::work::task::{Done, Sizes, Work};

/// A pool of up to so many slots has a canvas ready for each: less than the memory that a run takes
/// anyway.
const CANVASES_AT_HAND: usize = 64;

/// What a run's tasks run on.
///
/// # Errors
/// When the system grants too few open files, too little memory, or no threads.
pub fn runtime() -> anyhow::Result<Runtime> {
    granted::require(granted::Work::Pictures)?;
    Runtime::new().context("cannot start")
}

/// Runs a layer's plan as the command line asks for.
///
/// # Errors
/// Why it could not run; then nothing was changed.
pub async fn run(args: Args, lookout: Lookout) -> anyhow::Result<Ended> {
    let mut shutdown = Shutdown::listen()?;
    let printer = Printer::start()?;
    terminal::show_diagnostics(&printer, &[env!("CARGO_CRATE_NAME"), "lookout"]);
    lookout.serve(&printer)?;
    sqlite::on_wait(|line| tracing::warn!("{line}"));
    let ready = tokio::select! {
        biased;
        signal = shutdown.end() => Ok(Ready::Ended(Ended::interrupted(signal))),
        ready = prepare(&args, &printer) => ready,
    };
    let ended = match ready {
        Ok(Ready::ToRun(to_run)) => execute(&args, *to_run, &printer, shutdown, &lookout).await,
        Ok(Ready::Ended(ended)) => Ok(ended),
        Err(error) if is_storage_failure(&error) => Err(anyhow!(
            "{error:#}; nothing was called: mend it and run the same command again"
        )),
        Err(error) => Err(error),
    };
    printer.close();
    ended
}

/// A disk that is full or cannot be written: what is mended, and then the run goes on.
fn is_storage_failure(error: &anyhow::Error) -> bool {
    let of_layer = error.downcast_ref::<LayerError>();
    let of_progress = error.downcast_ref::<ProgressError>();
    let of_upkeep = error.downcast_ref::<UpkeepError>();
    of_layer.is_some_and(LayerError::is_of_storage)
        || of_upkeep.is_some_and(UpkeepError::is_of_storage)
        || matches!(of_progress, Some(ProgressError::Storage { .. }))
}

async fn execute(
    args: &Args,
    to_run: ToRun,
    printer: &Printer,
    mut shutdown: Shutdown,
    lookout: &Lookout,
) -> anyhow::Result<Ended> {
    let ToRun {
        start,
        mut db,
        pictures,
        queue,
        uncalled: (uncalled, made),
        lacks,
        trial,
        // Held until the last change is written.
        lock: _lock,
    } = to_run;
    let last_attempt = db.last_attempt().await?;
    let budget = budget(args, &start, db.spent().await?);
    let priced_for = needs_prices(args, &start);
    // Pilots have the same seeds, so that they differ in their settings alone.
    let answered = match &trial {
        None => db.answers_of_open_items().await?,
        Some(_) => HashMap::new(),
    };
    let rejected = match &trial {
        None => db.rejected_of_open_items().await?,
        Some(_) => HashMap::new(),
    };
    let prompts = db.prompts().await?;
    let endpoints = start.fleet.endpoints();
    let settings: Vec<Change> = endpoints.iter().map(|e| settings_of(e)).collect();
    db.commit(&settings, Durability::Process).await?;
    for endpoint in &endpoints {
        printer.say(&format!("endpoint {}", endpoint.told()));
    }
    tell_start(
        &args.layer_dir,
        &queue,
        endpoints.iter().map(|e| as_told(e)),
    );
    let mut progress = Progress::new(printer.clone(), queue.steps());
    let pool = pool(args, &endpoints, printer);
    // One that is shown what is around a block may still come.
    let surroundings = start
        .config
        .may_show_surroundings()
        .then(|| Surroundings::of(&queue).with_uncalled(handles_of(&queue, &uncalled)));
    let file = start.fleet.file();
    let awaits_endpoints = file.map(|file| file.display().to_string());
    let limits = Limits {
        max_items: args.max_items.map(|most| most as usize),
        max_errors: args.max_errors as usize,
        budget,
        max_not_accepted: start.config.accept.tries as usize,
        startup_wait: Duration::from_secs_f64(args.startup_wait),
        awaits_endpoints,
        drain: args.drain_s.map(Duration::from_secs_f64),
        canvases_at_hand: CANVASES_AT_HAND,
        spare_canvases: cores::count() + 1,
    };
    let currency = start.config.currency.clone();
    let gate = Gate::new(start.config.accept, start.layer.rejected());
    let gate = Arc::new(gate?);
    // The colours of other settings are others.
    let complete = match &trial {
        None => drawn_quadrants(&queue, &uncalled, &db.drawn_by().await?),
        Some(_) => Vec::new(),
    };
    let (mut pilot, around) = trial.unzip();
    let rejected: Vec<(Handle, usize)> = (0..)
        .zip(queue.items())
        .filter_map(|(handle, item)| Some((handle, *rejected.get(&item.id)?)))
        .collect();
    let dispatcher = Dispatcher::new(
        queue,
        pool,
        limits,
        surroundings,
        last_attempt,
        fastrand::u64(..),
    )
    .with_rejected(rejected);
    let mut tasks = JoinSet::new();
    let (recorder, writer) = Recorder::new(db, fault_point);
    tasks.spawn(async {
        writer.await;
        Done::Nothing
    });
    let (publisher, finished) = mpsc::unbounded_channel();
    let being_saved = Arc::new(AtomicUsize::new(0));
    let publishing = publish_all(
        Arc::clone(&pictures),
        recorder.clone(),
        finished,
        Arc::clone(&being_saved),
    );
    tasks.spawn(async {
        publishing.await;
        Done::Nothing
    });
    let cpu_time = Arc::new(CpuTime::default());
    let sizes = Arc::new(Sizes::default());
    let work = Arc::new(Work {
        roster: Roster::of(endpoints),
        client: model_client::Client::new()?,
        source: start.source,
        source_layer: start.config.source_layer,
        size: start.size,
        pictures: Arc::clone(&pictures),
        around,
        canvas: start.config.canvas,
        gate: Arc::clone(&gate),
        seed: start.config.seed,
        prompts,
        compression: start.config.png_compression,
        cpu_time: Arc::clone(&cpu_time),
        recorder,
        publisher,
        being_saved,
        sizes: Arc::clone(&sizes),
        cores: Cores::start(cores::count())?,
        writers: Work::writers(),
    });
    tasks.spawn(Arc::clone(&work).learn_colors(complete));
    lookout.run_begins(&start.config.name, &currency);
    let mut watch = Watch::start(start.fleet.priced_for(priced_for))?;
    let mut executor = Executor::new(work, dispatcher, tasks, answered);
    let ending = executor
        .run(&mut shutdown, &mut watch, &mut progress, lookout)
        .await;
    let lost = executor.lost;
    let endpoints = executor.endpoints();
    let dispatcher = executor.finish().await;
    lookout.run_ends(&dispatcher, progress.elapsed());
    pictures.end().await;
    let command = goes_on(args, dispatcher.queue()).filter(|_| pilot.is_none());
    let told = pilot.as_ref().map(PilotMade::told);
    let before = match made {
        0 => String::new(),
        made => format!("\n{}\n", flat_water(made)),
    };
    let is_left = dispatcher.queue().current_step().is_some();
    let besides = Besides {
        elapsed: progress.elapsed(),
        cpu_time: &*cpu_time,
        cpu_seconds: cpu_time.seconds(),
        resized: sizes.resized.load(Ordering::Relaxed),
        stretched: sizes.stretched.load(Ordering::Relaxed),
        refused: &|endpoint| gate.refused(endpoint),
        strangers: gate.strangers().iter().map(ToString::to_string).collect(),
        currency: &currency,
        lost,
        goes_on: command.as_deref(),
        pilot: told.as_ref(),
    };
    let exit_status = ending.exit_status();
    let figures = Figures::of(&dispatcher, &besides);
    if let Some(pilot) = &mut pilot {
        let written = pilot.end(&figures, &ending, told_to(&endpoints));
        drop(written.inspect_err(|error| tracing::warn!("{error}")));
    }
    let again = match &pilot {
        None => "; --retry-errors runs them again",
        Some(_) => ", in the pilot",
    };
    let ended = Ended {
        exit_status,
        summary: before + &figures.to_string(),
        reason: match &ending {
            Ending::Signal(signal) => Some(signal.to_string()),
            _ => None,
        },
        figures: figures.told(&args.layer_dir),
        error: match ending {
            Ending::Done | Ending::Signal(_) => None,
            Ending::Unfinished => Some(format!("some items failed, or wait on failed ones{again}")),
            Ending::Early(reason) => Some(reason),
        },
    };
    // Where work is left the next run tells.
    Ok(if is_left { ended } else { ended.unless(&lacks) })
}

/// The handles of items.
fn handles_of<'a>(queue: &'a Queue, ids: &'a HashSet<i64>) -> impl Iterator<Item = Handle> + 'a {
    let items = (0..).zip(queue.items());
    items.filter_map(|(handle, item)| ids.contains(&item.id).then_some(handle))
}

/// The quadrants of complete items that a call has drawn, with who did: others do not show a model's
/// colours.
fn drawn_quadrants(
    queue: &Queue,
    uncalled: &HashSet<i64>,
    drawn_by: &HashMap<i64, String>,
) -> Vec<(Quadrant, String)> {
    let is_drawn = |item: &&Item| item.status == Status::Complete && !uncalled.contains(&item.id);
    let drawn = queue.items().iter().filter(is_drawn);
    let quadrants = drawn.flat_map(|item| {
        let painter = drawn_by.get(&item.id).cloned().unwrap_or_default();
        let quadrants = item.block.quadrants();
        quadrants.map(move |quadrant| (quadrant, painter.clone()))
    });
    quadrants.collect()
}

/// The pool of the layer's endpoints, no wider than there is room for calls.
fn pool(args: &Args, endpoints: &[Arc<Endpoint>], printer: &Printer) -> Pool {
    let slots: usize = endpoints.iter().map(|endpoint| endpoint.slots).sum();
    let most = args.max_concurrent.map_or(usize::MAX, |most| most as usize);
    let (wanted, room) = (most.min(slots), granted::room_for_calls());
    if room < wanted {
        printer.say(&format!(
            "{room} calls at a time instead of {wanted}: the limits of open files and of memory (ulimit -n, ulimit -v) leave no room for more"
        ));
    }
    let limits = endpoints.iter().map(|endpoint| endpoint.limits());
    Pool::new(limits, Some(most_together(args)))
}
