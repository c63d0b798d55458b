//! The overviews of a layer that is served are made as its run goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::afar::Afar;
use crate::watch::Watch;
use terminal::warn;

/// How often it is looked whether there is something to make.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Making overviews takes at most this part of the time: they share the machine with a run.
const MAKING_SHARE: u32 = 8;

/// Makes overviews of what was finished, as far as anybody has asked how far the layer is.
pub(crate) async fn keep_up(watch: &Watch) -> Infallible {
    let mut done = None;
    let mut was_told = false;
    loop {
        let view = watch.view();
        let is_done = |done: &Arc<_>| Arc::ptr_eq(done, &view.plan);
        if !done.as_ref().is_some_and(is_done) {
            let began = Instant::now();
            if let Some(mut afar) = Afar::of(&view.layer, &view.plan) {
                match afar.update(&view.layer, &view.plan, |_| {}).await {
                    Ok(_) => watch.take_overviews(&afar, view.plan_hash),
                    Err(error) if !was_told => {
                        warn(format_args!("the map is not shown from afar: {error:#}"));
                        was_told = true;
                    }
                    Err(_) => {}
                }
            }
            done = Some(view.plan);
            tokio::time::sleep(began.elapsed() * MAKING_SHARE).await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
