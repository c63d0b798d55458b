//! What a run does before its first call.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::bail;
use dispatch::Queue;
use fleet::{Checks, Endpoint, Given};
use layer::{LayerDir, Pictures, RunLock};
use planner::{Item, Pilot, Quadrant, Status};
use progress_db::{Change, Durability, ProgressDb};
use report::{Ended, counts_told, part_that_runs, tell_start};
use terminal::Printer;
use upkeep::{Redo, Uniform, lacks};

use super::budget::require_prices;
use super::layer_state::Start;
use super::pilot;
use super::ready::{Before, Listing, Ready, ToRun, complete, foretold, warn_of};
use super::redo::{asked_for, redo_of, replace};
use super::resume::find_to_make_again;
use super::trial::{describe_trial, prepare_trial};
use super::uncalled::{complete_uncalled, pending};
use crate::args::Args;

/// Reads and checks a layer, takes its lock, and brings its progress up to date.
///
/// # Errors
/// Why it cannot run.
pub(crate) async fn prepare(args: &Args, printer: &Printer) -> anyhow::Result<Ready> {
    if let Some(quadrant) = args.explain {
        let progress = LayerDir::at(&args.layer_dir).progress_path();
        let mut db = ProgressDb::open_read_only(&progress).await?;
        let text = db.explanation(quadrant).await?;
        db.close().await?;
        return Ok(Ready::Ended(Ended::with(0, text)));
    }
    let start = Start::read(args).await?;
    tell(&start.warnings);
    if args.check_endpoints {
        return Ok(Ready::Ended(check(&start).await?));
    }
    match (&args.tried, args.dry_run) {
        (None, false) => {}
        (None, true) => return Ok(Ready::Ended(describe(args, &start, printer).await?)),
        (Some(_), true) => return Ok(Ready::Ended(describe_trial(args, &start, printer).await?)),
        (Some(tried), false) => return prepare_trial(args, tried, start, printer).await,
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
            start.require_endpoints()?;
        }
    }
    let lock = RunLock::take(&start.layer)?;
    let mut db = ProgressDb::open(&start.layer.progress_path()).await?;
    let mut items = db.items().await?;
    let (pictures, in_place) = start.open_pictures(&mut db, &mut items).await?;
    let upkeep = start.upkeep(&pictures, &mut db);
    let replaced = replace(args, &items, &in_place, upkeep).await;
    if !matches!(replaced, Ok(Some(_))) && !in_place.told.is_empty() {
        printer.say(in_place.told.trim_end());
    }
    if let Some(told) = replaced? {
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
    start.require_endpoints()?;
    require_prices(args, &start)?;
    let endpoints = start.fleet.endpoints();
    let settings = endpoints.iter().map(|own| &own.settings);
    let own = |added: Option<&str>| settings.clone().map(|own| own.hash_with(added)).collect();
    let others = match &endpoints[..] {
        // There is nothing to compare with yet.
        [] => 0,
        _ => db.made_otherwise(own).await?,
    };
    if others > 0 {
        tracing::warn!(
            "{others} complete items were made with other settings (prompt, parameters or canvas) than this run has; their pictures may look different"
        );
    }
    if redoes || start.config.accept.is_on() {
        tell(&fixed_seeds(&endpoints));
    }
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
        trial: None,
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
        let mut upkeep = start.upkeep(pictures, db);
        upkeep.put_back_damaged(&again, &items).await?;
        put_back(&mut items, |item| again.contains(&item.id));
    }
    let named = Redo::named(&asked.again, &items);
    let uncalled = start.find_uncalled(uniform, pictures, db, named, printer);
    let uncalled = uncalled.await?;
    if let Some(redo) = redo_of(&asked, args, start, &items, &uncalled) {
        if redo.calls > 0 {
            start.require_endpoints()?;
        }
        printer.say(&redo.told(part.is_some()));
        let mut upkeep = start.upkeep(pictures, db);
        upkeep.put_back(&redo, &items, &asked.prompts).await?;
        let again = redo.items();
        put_back(&mut items, |item| again.contains(&item.id));
    }
    // After that: of one that is carried out nothing tells any more that its block is to stay.
    if !asked.replaced.is_empty() {
        let mut upkeep = start.upkeep(pictures, db);
        let told = upkeep.carry_out_choices(&asked, &mut items).await?;
        if !told.is_empty() {
            printer.say(told.trim_end());
        }
    }
    Ok((items, part))
}

fn put_back(items: &mut [Item], which: impl Fn(&Item) -> bool) {
    for item in items.iter_mut().filter(|item| which(item)) {
        item.status = Status::Pending;
    }
}

/// A line where endpoints are sent a seed of the user's own: whatever is asked for again is the same
/// request then. A negative one means any.
fn fixed_seeds(endpoints: &[Arc<Endpoint>]) -> Vec<String> {
    let seed_of = |endpoint: &Arc<Endpoint>| match endpoint.seed_of(0) {
        (None, Some(own)) if own >= 0 => Some(format!("{own} to {}", endpoint.name)),
        _ => None,
    };
    let fixed: Vec<String> = endpoints.iter().filter_map(seed_of).collect();
    let line = || {
        format!(
            "\"seed\" stands in the parameters, and goes out with every call ({}): an answer that is not good enough, and a block that is generated again, is asked for with the same request; take it out there, and each try has a seed of its own, which \"seed\" beside \"generation_params\" changes for all",
            fixed.join(", ")
        )
    };
    if fixed.is_empty() {
        Vec::new()
    } else {
        vec![line()]
    }
}

fn tell(lines: &[String]) {
    for line in lines {
        tracing::warn!("{line}");
    }
}

fn nothing_to_do(args: &Args, queue: &Queue, made: usize, lacks: &[String]) -> Ended {
    let command = pilot::goes_on(args, queue);
    match report::nothing_to_do(queue, made, lacks, command.as_deref()) {
        (summary, None) => Ended::with(0, summary).unless(lacks),
        (summary, reason) => {
            tell(lacks);
            Ended {
                reason,
                ..Ended::with(1, summary)
            }
        }
    }
}

/// `--check-endpoints`.
async fn check(start: &Start) -> anyhow::Result<Ended> {
    start.require_endpoints()?;
    let pictures = start.pictures();
    let given = Given {
        layer: &start.layer,
        config: &start.config,
        source: &start.source,
        pictures: &pictures,
        size: start.size,
    };
    let endpoints = start.fleet.endpoints();
    if let (Some(file), []) = (start.fleet.file(), &endpoints[..]) {
        bail!("there is no endpoint to check yet in {}", file.display());
    }
    let checks = fleet::check(given, &endpoints, |block| {
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

async fn describe(args: &Args, start: &Start, printer: &Printer) -> anyhow::Result<Ended> {
    warn_of(args, start);
    let mut db = ProgressDb::open_read_only(&start.layer.progress_path()).await?;
    let mut items = db.items().await?;
    let pictures = start.pictures();
    let uniform = start.uniform().await?;
    let uniform = uniform.as_ref();
    let part = pilot::asked_for(args, start, &items)?;
    let replacing = db.replacing().await?;
    let replacing: HashSet<i64> = replacing.iter().map(|begun| begun.item).collect();
    complete(&mut items, |item| replacing.contains(&item.id));
    if args.retry_errors {
        let again = pilot::failed_to_run_again(&items, part.as_ref());
        put_back(&mut items, |item| again.contains(&item.id));
    }
    if args.resume {
        let again = find_to_make_again(start, uniform, &pictures, &mut db, &items, printer).await?;
        put_back(&mut items, |item| again.contains(&item.id));
    }
    let asked = asked_for(args, start, &items).await?;
    let named = Redo::named(&asked.again, &items);
    let uncalled = start.find_uncalled(uniform, &pictures, &mut db, named, printer);
    let redo = redo_of(&asked, args, start, &items, &uncalled.await?);
    if let Some(redo) = &redo {
        let mut upkeep = start.upkeep(&pictures, &mut db);
        upkeep.foretell_damage(redo, &items).await?;
        let again = redo.items();
        put_back(&mut items, |item| again.contains(&item.id));
    }
    let upkeep = start.upkeep(&pictures, &mut db);
    let chosen = upkeep.choices(&asked, &items).await?;
    chosen.complete(&mut items);
    // As a run finishes them, before it looks what is left.
    let looking = start.find_uncalled(uniform, &pictures, &mut db, pending(&items), printer);
    let flat = looking.await?.next;
    // These have no pictures yet that could be gone.
    let with_pictures = items.clone();
    complete(&mut items, |item| flat.contains_key(&item.id));
    let pilot = part.map(|part| Pilot::of(&items, &part));
    tell(
        &lacks(
            start.planned(),
            &pictures,
            &mut db,
            &with_pictures,
            pilot.as_ref(),
        )
        .await?,
    );
    let before = Before::of(&mut db).await?;
    db.close().await?;
    let redo_told = |redo: &Redo| redo.told(pilot.is_some()) + "\n";
    let mut told = match replacing.len() {
        0 => String::new(),
        begun => format!(
            "what a run that died had begun is ended first: other pictures for {begun} blocks, without a call\n"
        ),
    };
    told += &redo.as_ref().map_or_else(String::new, redo_told);
    if chosen.count() > 0 {
        let chosen = chosen.count();
        told += &format!("chosen for {chosen} blocks: other pictures, without a call\n");
    }
    let config = &start.config;
    let queue = pilot::queue_of(items, pilot.as_ref(), config);
    let mut figures = counts_told(&args.layer_dir, &queue);
    let listing = match redo.is_none() || pilot.is_some() {
        true => Listing::Items,
        false => Listing::Nothing,
    };
    let (text, expected) = foretold(args, start, &queue, flat.len(), &before, listing);
    told += &text;
    figures.extend(expected);
    Ok(Ended {
        figures,
        ..Ended::with(0, told)
    })
}
