//! A line that says that planning goes on.

use std::time::{Duration, Instant};

use planner::{Plan, Region};
use serde_json::json;
use terminal::{detail, event, note, shows_progress};

/// Tells what is done next: a script by an event, people with `-v`.
pub(crate) fn step(what: &str) {
    event("step", json!({"step": what}));
    detail(format_args!("{what} …"));
}

/// Plans `region`, with a line about it when that takes longer than a second.
pub(crate) async fn plan_visibly(region: Region) -> (Region, Plan) {
    let quadrants = region.len();
    step("planning");
    let began = Instant::now();
    let mut planning = tokio::task::spawn_blocking(move || {
        let plan = planner::plan(&region);
        (region, plan)
    });
    let finished = tokio::time::timeout(Duration::from_secs(1), &mut planning).await;
    let planned = match finished {
        Ok(planned) => planned,
        Err(_) => {
            if shows_progress() {
                note(format_args!("planning {quadrants} quadrants …"));
            }
            planning.await
        }
    };
    let (region, plan) =
        planned.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    detail(format_args!(
        "planned {} blocks in {:.2} s",
        plan.blocks.len(),
        began.elapsed().as_secs_f64()
    ));
    event(
        "planned",
        json!({"quadrants": quadrants, "blocks": plan.blocks.len()}),
    );
    (region, plan)
}
