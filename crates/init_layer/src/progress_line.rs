//! A line that says that planning goes on.

use std::io::Write;
use std::time::Duration;

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
            let _ = writeln!(std::io::stderr(), "planning {quadrants} quadrants …");
            planning.await
        }
    };
    planned.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
