//! A line that shows that planning goes on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use planner::{Plan, Region};

/// Plans `region`, with a line about it when that takes longer than a second.
pub(crate) async fn plan_visibly(region: Region) -> (Region, Plan) {
    let quadrants = region.len();
    let mut planning = tokio::task::spawn_blocking(move || {
        let plan = planner::plan(&region);
        (region, plan)
    });
    let finished = tokio::time::timeout(Duration::from_secs(1), &mut planning).await;
    let planned = match finished {
        Ok(planned) => planned,
        Err(_) => {
            let line = ProgressBar::new_spinner()
                .with_style(
                    ProgressStyle::with_template("{spinner} planning {msg} quadrants, {elapsed}")
                        .expect("the template is right"),
                )
                .with_message(quadrants.to_string());
            if line.is_hidden() {
                eprintln!("planning {quadrants} quadrants …");
            }
            line.enable_steady_tick(Duration::from_millis(100));
            let planned = planning.await;
            line.finish_and_clear();
            planned
        }
    };
    planned.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
