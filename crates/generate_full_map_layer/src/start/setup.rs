//! What a run does before its first call.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dispatch::{Queue, duration_text};
use layer::{Pictures, RunLock};
use planner::{Item, Pilot, Quadrant, Status, complete_followers};
use progress_db::{Change, Durability, ProgressDb};
use terminal::{Bar, Printer};
use upkeep::{Redo, damaged_items};

use super::check::check;
use super::dry_run;
use super::explain::explain;
use super::lacks::lacks;
use super::layer_state::Start;
use super::pilot;
use super::redo::{asked_for, carry_out_choices, redo_of, replace};
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
    if !replaces && (redoes || !start.is_complete) {
        start.config.require_endpoints(start.layer.config_path())?;
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
    // What cannot be meant is refused before anything is put back.
    let part = pilot::asked_for(args, &start, &items)?;
    let ran = bring_up_to_date(
        args,
        &start,
        items,
        part.as_ref(),
        &pictures,
        &mut db,
        printer,
    );
    let items = ran.await?;
    let pilot = part.map(|part| Pilot::of(&items, &part));
    let lacks = lacks(&start, &pictures, &mut db, &items, pilot.as_ref()).await?;
    if let Some(pilot) = &pilot {
        printer.say(&pilot::told(pilot));
    }
    let queue = pilot::queue_of(items, pilot.as_ref());
    if queue.current_step().is_none() {
        // What was committed is safe, whether or not the logs can be folded into the databases.
        pictures.end().await;
        let _ = db.close().await;
        return Ok(Ready::Ended(nothing_to_do(args, &queue, &lacks)));
    }
    tell(&lacks);
    start.config.require_endpoints(start.layer.config_path())?;
    tell_about_settings(&mut db, &start).await?;
    // Before anything is paid for that could not be saved.
    pictures.require_writable().await?;
    Ok(Ready::ToRun(Box::new(ToRun {
        start,
        db,
        pictures,
        queue,
        lacks,
        lock,
    })))
}

/// Brings `progress.db` up to date with what earlier runs left: items that were under way when
/// one died, failed ones that are to run again, pictures that are missing or damaged.
async fn bring_up_to_date(
    args: &Args,
    start: &Start,
    mut items: Vec<Item>,
    part: Option<&HashSet<Quadrant>>,
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
    printer: &Printer,
) -> anyhow::Result<Vec<Item>> {
    // What cannot be meant is refused before anything is put back.
    let asked = asked_for(args, start, &items).await?;
    let abandoned = db.put_back_abandoned().await?;
    if abandoned > 0 {
        tracing::info!(
            "{abandoned} items were under way when the last run died; they are generated again"
        );
    }
    if args.retry_errors {
        let again = pilot::failed_to_run_again(&items, part);
        let changes: Vec<Change> = again.iter().map(|&item| Change::PutBack { item }).collect();
        db.commit(&changes, Durability::Power).await?;
        if !again.is_empty() {
            tracing::info!("{} failed items run again", again.len());
        }
        put_back(&mut items, |item| again.contains(&item.id));
    }
    if args.resume {
        let again = find_to_make_again(start, pictures, db, &items, printer).await?;
        let changes: Vec<Change> = again.iter().map(|&item| Change::PutBack { item }).collect();
        db.commit(&changes, Durability::Power).await?;
        put_back(&mut items, |item| again.contains(&item.id));
    }
    if !asked.replaced.is_empty() {
        let told = carry_out_choices(&asked, &mut items, start.upkeep(pictures, db)).await?;
        printer.say(told.trim_end());
    }
    if let Some(redo) = redo_of(&asked, args, start, &items) {
        printer.say(&redo_told(&redo, part.is_some()));
        let mut upkeep = start.upkeep(pictures, db);
        upkeep.put_back(&redo, &items, &asked.prompts).await?;
        let again = redo.items();
        put_back(&mut items, |item| again.contains(&item.id));
    }
    Ok(items)
}

/// The complete items that `--resume` puts back: those whose pictures are missing or damaged, and
/// where canvases show finished neighbours also all that were drawn to join them.
async fn find_to_make_again(
    start: &Start,
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
    items: &[Item],
    printer: &Printer,
) -> anyhow::Result<HashSet<i64>> {
    let mut again = find_damaged(start, pictures, db, items, printer).await?;
    if start.config.shows_surroundings() && !again.is_empty() {
        let followers = complete_followers(items, &again);
        tracing::info!(
            "the canvas is infill, so the complete items that were drawn to join these are made again too: {} more calls",
            followers.len()
        );
        again.extend(followers);
    }
    Ok(again.into_iter().collect())
}

/// How often the progress of a long check is told where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(60);

async fn find_damaged(
    start: &Start,
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
    items: &[Item],
    printer: &Printer,
) -> anyhow::Result<Vec<i64>> {
    let complete = items
        .iter()
        .filter(|item| item.status == Status::Complete)
        .count();
    let began = Instant::now();
    let (mut told, mut told_at) = (0, began);
    let damaged = damaged_items(db, pictures, start.size, items, cores::count(), |checked| {
        let tenths = 10 * checked / complete.max(1);
        if printer.is_terminal() {
            let left = began
                .elapsed()
                .mul_f64((complete - checked) as f64 / checked.max(1) as f64);
            printer.show(vec![Bar {
                label: "checking".to_owned(),
                done: checked as u64,
                of: complete as u64,
                text: format!("{checked}/{complete} items, {} left", duration_text(left)),
            }]);
        } else if tenths > told || told_at.elapsed() > TELL_EVERY {
            (told, told_at) = (tenths, Instant::now());
            tracing::info!("checked the pictures of {checked} of {complete} complete items");
        }
    })
    .await?;
    printer.show(Vec::new());
    tracing::info!(
        "{complete} complete items checked: {} have missing or damaged pictures and are made again",
        damaged.len()
    );
    Ok(damaged)
}

fn put_back(items: &mut [Item], which: impl Fn(&Item) -> bool) {
    for item in items.iter_mut().filter(|item| which(item)) {
        item.status = Status::Pending;
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

/// What a redo comes to; of a part what else is pending does not run.
fn redo_told(redo: &Redo, is_part: bool) -> String {
    match is_part {
        true => redo.told.clone(),
        false => redo.told.clone() + &redo.told_of_others,
    }
}

fn nothing_to_do(args: &Args, queue: &Queue, lacks: &[String]) -> Ended {
    let mut summary = String::new();
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
    summary += &format!(
        "{} items failed and {} wait on them; --retry-errors runs them again.\n",
        all.failed, all.held_back
    );
    Ended::with(1, summary)
}

async fn describe(args: &Args, start: &Start, printer: &Printer) -> anyhow::Result<Ended> {
    if let Err(error) = start.config.require_endpoints(start.layer.config_path()) {
        tracing::warn!("{error}");
    }
    if let Some(holder) = RunLock::holder(&start.layer) {
        tracing::warn!("a run is under way on the layer ({holder}), so this changes meanwhile");
    }
    let mut db = ProgressDb::open_read_only(&start.layer.progress_path()).await?;
    let mut items = db.items().await?;
    let pictures = start.pictures();
    let part = pilot::asked_for(args, start, &items)?;
    if args.retry_errors {
        let again = pilot::failed_to_run_again(&items, part.as_ref());
        put_back(&mut items, |item| again.contains(&item.id));
    }
    if args.resume {
        let again = find_to_make_again(start, &pictures, &mut db, &items, printer).await?;
        put_back(&mut items, |item| again.contains(&item.id));
    }
    let asked = asked_for(args, start, &items).await?;
    let redo = redo_of(&asked, args, start, &items);
    if let Some(redo) = &redo {
        let again = redo.items();
        put_back(&mut items, |item| again.contains(&item.id));
    }
    let pilot = part.map(|part| Pilot::of(&items, &part));
    tell(&lacks(start, &pictures, &mut db, &items, pilot.as_ref()).await?);
    db.close().await?;
    let redo_told = |redo| redo_told(redo, pilot.is_some()) + "\n";
    let mut told = redo.as_ref().map_or_else(String::new, redo_told);
    if !asked.replaced.is_empty() {
        let chosen = asked.replaced.len();
        told += &format!("chosen for {chosen} blocks: other pictures, without a call\n");
    }
    if told.is_empty() || pilot.is_some() {
        let most = args.max_items.map(|most| most as usize);
        let queue = pilot::queue_of(items, pilot.as_ref());
        told += &dry_run::describe(&queue, pilot.as_ref(), &start.endpoints, most);
    }
    Ok(Ended::with(0, told))
}
