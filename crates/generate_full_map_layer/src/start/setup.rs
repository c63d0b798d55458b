//! What a run does before its first call.

use std::collections::HashSet;
use std::sync::Arc;

use dispatch::{Queue, Turn};
use fleet::{Checks, Endpoint, Given};
use layer::{Pictures, RunLock};
use planner::{Item, Pilot, Quadrant, Status};
use progress_db::{Change, Durability, ProgressDb};
use report::{Member, counts_told, forecast, part_that_runs, tell_start, would_run};
use terminal::Printer;
use upkeep::{Redo, Uniform, lacks};

use super::budget::require_prices;
use super::explain::explain;
use super::layer_state::Start;
use super::pilot;
use super::redo::{asked_for, carry_out_choices, redo_of, replace};
use super::resume::find_to_make_again;
use super::uncalled::{complete_uncalled, flat_water, pending};
use crate::args::Args;
use crate::ended::Ended;

/// What comes before the first call.
pub(crate) enum Ready {
    /// There are items to run.
    ToRun(Box<ToRun>),
    /// There is nothing to call.
    Ended(Ended),
}

/// A layer whose items can be run, under its lock.
pub(crate) struct ToRun {
    pub start: Start,
    pub db: ProgressDb,
    pub pictures: Arc<Pictures>,
    pub queue: Queue,
    /// The complete items that were made without a call, and how many of them just now.
    pub uncalled: (HashSet<i64>, usize),
    /// What the plan lacks though it looks complete; told, and to be told again at the end.
    pub lacks: Vec<String>,
    pub lock: RunLock,
}

/// Reads and checks a layer, takes its lock, and brings its progress up to date.
///
/// # Errors
/// Why it cannot run.
pub(crate) async fn prepare(args: &Args, printer: &Printer) -> anyhow::Result<Ready> {
    if let Some(quadrant) = args.explain {
        return Ok(Ready::Ended(explain(&args.layer_dir, quadrant).await?));
    }
    let start = Start::read(&args.layer_dir, args.accept_source_change).await?;
    tell(&start.warnings);
    if args.check_endpoints {
        return Ok(Ready::Ended(check(&start).await?));
    }
    if args.dry_run {
        return Ok(Ready::Ended(describe(args, &start, printer).await?));
    }
    let redoes = args.redo.is_some() || args.redo_file.is_some() || args.redo_flagged;
    let replaces = args.keep.is_some() || args.accept.is_some();
    // What calls nothing needs neither endpoints nor what they cost.
    let uniform = match replaces {
        true => None,
        false => start.uniform().await?,
    };
    if !replaces && (redoes || !start.is_complete) {
        require_prices(args, &start)?;
        if uniform.is_none() {
            start.config.require_endpoints(start.layer.config_path())?;
        }
    }
    let lock = RunLock::take(&start.layer)?;
    let mut db = ProgressDb::open(&start.layer.progress_path()).await?;
    let items = db.items().await?;
    let complete = items.iter().filter(|item| item.status == Status::Complete);
    let quadrants = || {
        items
            .iter()
            .flat_map(|item| item.block.quadrants())
            .collect()
    };
    let (storage, source) = (start.config.storage, &start.source);
    let pictures = start
        .layer
        .open_pictures(storage, complete.count(), source, quadrants);
    let pictures = Arc::new(pictures.await?);
    let told = replace(args, &items, start.upkeep(&pictures, &mut db)).await?;
    if let Some(told) = told {
        pictures.end().await;
        db.close().await?;
        return Ok(Ready::Ended(Ended::with(0, told)));
    }
    let (db_mut, source) = (&mut db, uniform.as_ref());
    let (mut items, part) =
        bring_up_to_date(args, &start, source, items, &pictures, db_mut, printer).await?;
    let made = start.make_uncalled(source, &pictures, &mut db, &mut items, printer);
    let made = made.await?;
    let uncalled = complete_uncalled(&mut db, &items).await?;
    let pilot = part.map(|part| Pilot::of(&items, &part));
    let lacks = lacks(start.planned(), &pictures, &mut db, &items, pilot.as_ref()).await?;
    let queue = pilot::queue_of(items, pilot.as_ref(), &start.config);
    if let Some(told) = part_that_runs(&queue) {
        printer.say(&told);
    }
    if queue.current_step().is_none() {
        // What was committed is safe, whether or not the logs can be folded into the databases.
        pictures.end().await;
        let _ = db.close().await;
        tell_start(&args.layer_dir, &queue, []);
        let ended = nothing_to_do(args, &queue, made, &lacks);
        let figures = counts_told(&args.layer_dir, &queue);
        return Ok(Ready::Ended(Ended { figures, ..ended }));
    }
    tell(&lacks);
    start.config.require_endpoints(start.layer.config_path())?;
    require_prices(args, &start)?;
    tell_about_settings(&mut db, &start).await?;
    // Before anything is paid for that could not be saved.
    pictures.require_writable().await?;
    drop(uniform);
    Ok(Ready::ToRun(Box::new(ToRun {
        start,
        db,
        pictures,
        queue,
        uncalled: (uncalled, made),
        lacks,
        lock,
    })))
}

/// Brings `progress.db` up to date with what earlier runs left: items that were under way when
/// one died, failed ones that are to run again, pictures that are missing or damaged. Returns
/// the items, and the part that is asked for.
async fn bring_up_to_date(
    args: &Args,
    start: &Start,
    uniform: Option<&Uniform<'_>>,
    mut items: Vec<Item>,
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
    printer: &Printer,
) -> anyhow::Result<(Vec<Item>, Option<HashSet<Quadrant>>)> {
    start.upkeep(pictures, db).drop_rejected(&items)?;
    // What cannot be meant is refused before anything is put back.
    let part = pilot::asked_for(args, start, &items)?;
    let asked = asked_for(args, start, &items).await?;
    let abandoned = db.put_back_abandoned().await?;
    if abandoned > 0 {
        tracing::info!(
            "{abandoned} items were under way when the last run died; they are generated again"
        );
    }
    if args.retry_errors {
        let again = pilot::failed_to_run_again(&items, part.as_ref());
        let changes: Vec<Change> = again.iter().map(|&item| Change::PutBack { item }).collect();
        db.commit(&changes, Durability::Power).await?;
        if !again.is_empty() {
            tracing::info!("{} failed items run again", again.len());
        }
        put_back(&mut items, |item| again.contains(&item.id));
    }
    if args.resume {
        let again = find_to_make_again(start, uniform, pictures, db, &items, printer).await?;
        let changes: Vec<Change> = again.iter().map(|&item| Change::PutBack { item }).collect();
        db.commit(&changes, Durability::Power).await?;
        put_back(&mut items, |item| again.contains(&item.id));
    }
    if !asked.replaced.is_empty() {
        let told = carry_out_choices(&asked, &mut items, start.upkeep(pictures, db)).await?;
        printer.say(told.trim_end());
    }
    let named = Redo::named(&asked.again, &items);
    let uncalled = start.find_uncalled(uniform, pictures, db, named, printer);
    let uncalled = uncalled.await?;
    if let Some(redo) = redo_of(&asked, args, start, &items, &uncalled) {
        if redo.calls > 0 {
            start.config.require_endpoints(start.layer.config_path())?;
        }
        printer.say(&redo.told(part.is_some()));
        let mut upkeep = start.upkeep(pictures, db);
        upkeep.put_back(&redo, &items, &asked.prompts).await?;
        let again = redo.items();
        put_back(&mut items, |item| again.contains(&item.id));
    }
    Ok((items, part))
}

fn put_back(items: &mut [Item], which: impl Fn(&Item) -> bool) {
    for item in items.iter_mut().filter(|item| which(item)) {
        item.status = Status::Pending;
    }
}

fn complete(items: &mut [Item], which: impl Fn(&Item) -> bool) {
    for item in items.iter_mut().filter(|item| which(item)) {
        item.status = Status::Complete;
    }
}

fn tell(lines: &[String]) {
    for line in lines {
        tracing::warn!("{line}");
    }
}

/// Says how many finished items were made with other settings than this run's.
async fn tell_about_settings(db: &mut ProgressDb, start: &Start) -> anyhow::Result<()> {
    let added: HashSet<String> = db.prompts().await?.into_values().collect();
    let own: HashSet<String> = start
        .endpoints
        .iter()
        .flat_map(|endpoint| {
            let with_added = added
                .iter()
                .map(|added| endpoint.settings.with_added(added));
            let settings = std::iter::once(endpoint.settings.clone()).chain(with_added);
            settings.map(|settings| settings.hash)
        })
        .collect();
    let others: u64 = db
        .settings_of_complete_items()
        .await?
        .into_iter()
        .filter(|(hash, _)| !own.contains(hash))
        .map(|(_, count)| count)
        .sum();
    if others > 0 {
        tracing::warn!(
            "{others} complete items were made with other settings (prompt, parameters or canvas) than this run has; their pictures may look different"
        );
    }
    Ok(())
}

fn nothing_to_do(args: &Args, queue: &Queue, made: usize, lacks: &[String]) -> Ended {
    let mut summary = match made {
        0 => String::new(),
        made => flat_water(made) + "\n",
    };
    for (step, counts) in queue.steps() {
        summary += &format!(
            "[Step {step}] {}/{} complete, {} errors\n",
            counts.complete,
            counts.total(),
            counts.failed
        );
    }
    let all = queue.totals();
    if all.failed + all.held_back == 0 {
        let end = match lacks {
            [] => "; there is nothing to do",
            _ => ", but not all is there",
        };
        let of = if pilot::is_asked_for(args) {
            " of the part"
        } else {
            ""
        };
        summary += &format!("All {} items{of} are complete{end}.\n", all.complete);
        if let Some(command) = pilot::goes_on(args, queue) {
            let left = queue.outside().pending;
            summary +=
                &format!("{left} items outside of it are left to run. To go on:\n  {command}\n");
        }
        return Ended::with(0, summary).unless(lacks);
    }
    tell(lacks);
    let reason = format!(
        "{} items failed and {} wait on them; --retry-errors runs them again.",
        all.failed, all.held_back
    );
    summary += &format!("{reason}\n");
    Ended {
        reason: Some(reason),
        ..Ended::with(1, summary)
    }
}

/// `--check-endpoints`.
async fn check(start: &Start) -> anyhow::Result<Ended> {
    start.config.require_endpoints(start.layer.config_path())?;
    let given = Given {
        layer: &start.layer,
        config: &start.config,
        source: &start.source,
        size: start.size,
    };
    let checks = fleet::check(given, &start.endpoints, |block| {
        tracing::info!(
            "one canvas, {block}, goes to each endpoint; a server that has to wake up takes minutes"
        );
    });
    let Checks {
        text,
        figures,
        failed,
        of,
    } = checks.await?;
    Ok(Ended {
        error: (failed > 0).then(|| format!("{failed} of {of} endpoints failed")),
        figures,
        ..Ended::with(if failed == 0 { 0 } else { 3 }, text)
    })
}

/// An endpoint as a report knows it.
fn as_member(endpoint: &Endpoint) -> Member<'_> {
    Member {
        name: &endpoint.name,
        slots: endpoint.slots,
        price: endpoint.price,
        expected: endpoint.expected,
    }
}

async fn describe(args: &Args, start: &Start, printer: &Printer) -> anyhow::Result<Ended> {
    if let Err(error) = start.config.require_endpoints(start.layer.config_path()) {
        tracing::warn!("{error}");
    }
    if let Err(error) = require_prices(args, start) {
        tracing::warn!("{error}");
    }
    if let Some(holder) = RunLock::holder(&start.layer) {
        tracing::warn!("a run is under way on the layer ({holder}), so this changes meanwhile");
    }
    let mut db = ProgressDb::open_read_only(&start.layer.progress_path()).await?;
    let mut items = db.items().await?;
    let pictures = start.pictures();
    let uniform = start.uniform().await?;
    let uniform = uniform.as_ref();
    let part = pilot::asked_for(args, start, &items)?;
    if args.retry_errors {
        let again = pilot::failed_to_run_again(&items, part.as_ref());
        put_back(&mut items, |item| again.contains(&item.id));
    }
    if args.resume {
        let again = find_to_make_again(start, uniform, &pictures, &mut db, &items, printer).await?;
        put_back(&mut items, |item| again.contains(&item.id));
    }
    let asked = asked_for(args, start, &items).await?;
    let is_chosen = |item: &Item| {
        let mut chosen = asked.replaced.iter();
        chosen.any(|&(_, at, _)| item.block.top_left == at)
    };
    complete(&mut items, is_chosen);
    let named = Redo::named(&asked.again, &items);
    let uncalled = start.find_uncalled(uniform, &pictures, &mut db, named, printer);
    let redo = redo_of(&asked, args, start, &items, &uncalled.await?);
    if let Some(redo) = &redo {
        let again = redo.items();
        put_back(&mut items, |item| again.contains(&item.id));
    }
    // As a run finishes them, before it looks what is left.
    let looking = start.find_uncalled(uniform, &pictures, &mut db, pending(&items), printer);
    let flat = looking.await?.next;
    complete(&mut items, |item| flat.contains_key(&item.id));
    let pilot = part.map(|part| Pilot::of(&items, &part));
    tell(&lacks(start.planned(), &pictures, &mut db, &items, pilot.as_ref()).await?);
    let calls = db.calls_by_endpoint().await?;
    db.close().await?;
    let redo_told = |redo: &Redo| redo.told(pilot.is_some()) + "\n";
    let mut told = redo.as_ref().map_or_else(String::new, redo_told);
    if !asked.replaced.is_empty() {
        let chosen = asked.replaced.len();
        told += &format!("chosen for {chosen} blocks: other pictures, without a call\n");
    }
    let config = &start.config;
    let queue = pilot::queue_of(items, pilot.as_ref(), config);
    let mut figures = counts_told(&args.layer_dir, &queue);
    if redo.is_none() || pilot.is_some() {
        if !flat.is_empty() {
            let flat = flat_water(flat.len());
            told += &format!("{flat}: finished before all others, and complete below\n");
        }
        let most = args.max_items.map(|most| most as usize);
        let endpoints: Vec<_> = start.endpoints.iter().map(as_member).collect();
        told += &would_run(&queue, &endpoints, most);
        if queue.current_step().is_some() {
            let eager = Turn::eager(config.shows_surroundings());
            let (calls, currency) = (&calls, &config.currency);
            let expected = forecast(&queue, &endpoints, calls, most, currency, eager);
            told += &expected.text;
            figures.extend(expected.figures);
        }
    }
    Ok(Ended {
        figures,
        ..Ended::with(0, told)
    })
}
