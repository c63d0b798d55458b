//! Taking in a judgement.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use layer::{Judgement, Verdict};
use planner::Block;
use serde::Deserialize;
use serde_json::{Value, json};

use super::block::Seen;
use super::judged::{Judged, Open};
use crate::ItemState;
use crate::watch::{View, Watch};

/// The most bytes of a judgement: a note and an addition to a prompt of a few kilobytes each.
const MOST_BYTES: usize = 16 << 10;

/// So long a judgement may take on its way.
const SENT_WITHIN: Duration = Duration::from_secs(10);

/// Why a failed block is not kept.
const NOTHING_TO_KEEP: &str = "the block failed, so there is nothing to keep; choose its rejected answer or an earlier picture, or flag it for redo";

/// A judgement that is not taken in, and why.
type Refused = (StatusCode, String);

/// What a desk sends: a judgement as it stands in the file but for its time, or no verdict, which
/// takes it back; and what was seen of the block.
#[derive(Deserialize)]
struct Sent {
    x: i32,
    y: i32,
    shape: String,
    seen: Seen,
    verdict: Option<Value>,
    #[serde(default)]
    note: String,
    prompt: Option<String>,
}

/// Takes in the judgement that is `body`; returns what is open then.
pub(crate) async fn judge(
    watch: &Arc<Watch>,
    judged: &Arc<Judged>,
    body: Body,
) -> Result<Open, Refused> {
    let sent: Sent = serde_json::from_slice(&received(body).await?)
        .map_err(|error| bad(format!("this is no judgement: {error}")))?;
    watch.look().await;
    let (view, looked_at) = watch.view_and_time().map_err(|trouble| {
        let reason = format!("how far the layer is cannot be told now: {trouble}");
        (StatusCode::SERVICE_UNAVAILABLE, reason)
    })?;
    let place = place_of(&view, &sent)?;
    let block = view.plan.items[place].block;
    let judgement = match &sent.verdict {
        None => None,
        Some(verdict) => Some(judgement(&sent, verdict, looked_at)?),
    };
    if let Some(Judgement {
        verdict: Verdict::Choose { from, version },
        ..
    }) = judgement
    {
        let kept = view.layer.dir.kept(from);
        let read = tokio::task::spawn_blocking(move || kept.read(block, version));
        let is_there = matches!(read.await, Ok(Ok(Some(_))));
        if !is_there {
            let reason = format!("there is no version {version} to choose any more");
            return Err((StatusCode::CONFLICT, reason));
        }
    }
    let is_kept = matches!(&judgement, Some(j) if j.verdict == Verdict::Keep);
    if is_kept && view.plan.states[place] == ItemState::Failed {
        return Err(bad(NOTHING_TO_KEEP.to_owned()));
    }
    let changed = judged.change(move |review| match judgement {
        Some(judgement) => review.put(judgement),
        None => drop(review.take_back(block)),
    });
    let review = changed
        .await
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")))?;
    Ok(Open::of(&view.plan, &review))
}

async fn received(body: Body) -> Result<Vec<u8>, Refused> {
    match tokio::time::timeout(SENT_WITHIN, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) if is_too_large(&error) => {
            let reason = format!("a judgement has at most {MOST_BYTES} bytes; write less");
            Err((StatusCode::PAYLOAD_TOO_LARGE, reason))
        }
        Ok(Err(_)) => Err(bad("the judgement broke off".to_owned())),
        Err(_) => {
            let reason = "the judgement did not come in time".to_owned();
            Err((StatusCode::REQUEST_TIMEOUT, reason))
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source = Some(error as &dyn std::error::Error);
    while let Some(error) = source {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}

fn bad(reason: String) -> Refused {
    (StatusCode::BAD_REQUEST, reason)
}

/// Where the block stands that was judged, if it is as it was seen.
fn place_of(view: &View, sent: &Sent) -> Result<usize, Refused> {
    let is_meant = |block: Block| {
        (block.top_left.x, block.top_left.y) == (sent.x, sent.y) && block.shape.name() == sent.shape
    };
    let mut items = view.plan.items.iter();
    let place = items.position(|item| is_meant(item.block)).ok_or_else(|| {
        let Sent { x, y, shape, .. } = sent;
        let reason = format!("there is no block of {shape} at ({x}, {y}) in the plan");
        (StatusCode::NOT_FOUND, reason)
    })?;
    let can_be_judged = matches!(
        view.plan.states[place],
        ItemState::Complete | ItemState::Failed
    );
    if !can_be_judged || Seen::of(&view.plan, place) != sent.seen {
        let reason = "something has happened to the block since it was shown; look at it again";
        return Err((StatusCode::CONFLICT, reason.to_owned()));
    }
    Ok(place)
}

/// The judgement that was sent. Its time is that of the look at the progress which it rests on: a block
/// that was drawn again since, of which nobody here knows yet, is not what was judged.
fn judgement(sent: &Sent, verdict: &Value, looked_at: SystemTime) -> Result<Judgement, Refused> {
    // The clock of a run may have been ahead; what is known of a time has lost less than a millisecond.
    let seen = Duration::from_millis(sent.seen.last_ms().max(0).cast_unsigned() + 2);
    let at = looked_at.max(SystemTime::UNIX_EPOCH + seen);
    let entry = json!({
        "x": sent.x, "y": sent.y, "shape": sent.shape, "verdict": verdict,
        "note": sent.note, "prompt": sent.prompt, "at": layer::timestamp_ms(at),
    });
    serde_json::from_value(entry).map_err(|error| bad(format!("this is no judgement: {error}")))
}
