//! From synced temporary files to complete items.
//!
//! The order makes every moment safe to die in: the pictures are whole and durable in their place,
//! and only then the items are complete. Items that are finished at about the same time share the
//! syncs and the commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use layer::{Pictures, StagedPicture, unix_now};
use planner::Quadrant;
use progress_db::{AttemptId, Bill, Change, Durability, Outcome, PictureRecord, Recorder};
use tokio::sync::{mpsc, oneshot};

use super::fault_point::fault_point;

/// How long a finished item waits for others that are about to be.
const WINDOW: Duration = Duration::from_millis(20);
/// How many items share a commit at most.
const MOST_TOGETHER: usize = 64;

/// An item whose pictures are ready to be published.
#[derive(Debug)]
pub(crate) struct Finished {
    pub item: i64,
    pub attempt: AttemptId,
    pub http_status: Option<u16>,
    pub bill: Bill,
    /// When the call ended.
    pub ended_at: f64,
    pub pictures: Vec<(Quadrant, StagedPicture, PictureRecord)>,
    /// Is told when the item is complete, or why it is not.
    pub done: oneshot::Sender<Result<(), String>>,
}

/// Publishes items as they come, until there are no more senders.
pub(crate) async fn publish_all(
    pictures: Arc<Pictures>,
    recorder: Recorder,
    mut finished: mpsc::UnboundedReceiver<Finished>,
    being_saved: Arc<AtomicUsize>,
) {
    while let Some(first) = finished.recv().await {
        let mut batch = vec![first];
        let window = tokio::time::sleep(WINDOW);
        tokio::pin!(window);
        while batch.len() < MOST_TOGETHER && being_saved.load(Ordering::Relaxed) > batch.len() {
            tokio::select! {
                next = finished.recv() => match next {
                    Some(next) => batch.push(next),
                    None => break,
                },
                () = &mut window => break,
            }
        }
        let published = publish(&pictures, &recorder, &mut batch).await;
        for finished in batch {
            // The run may have ended early; the item is complete all the same.
            let _ = finished.done.send(published.clone());
        }
    }
}

async fn publish(
    pictures: &Pictures,
    recorder: &Recorder,
    batch: &mut [Finished],
) -> Result<(), String> {
    let mut changes = Vec::with_capacity(3 * batch.len());
    let mut staged = Vec::new();
    let at = unix_now();
    for finished in batch {
        let mut records = Vec::with_capacity(finished.pictures.len());
        for (quadrant, picture, record) in finished.pictures.drain(..) {
            staged.push(picture);
            records.push((quadrant, record));
        }
        changes.push(Change::Drew {
            attempt: finished.attempt,
            pictures: records.iter().map(|(_, record)| record.clone()).collect(),
        });
        changes.push(Change::Complete {
            item: finished.item,
            pictures: records,
            at,
        });
        changes.push(Change::AttemptEnded {
            attempt: finished.attempt,
            outcome: Outcome::Ok,
            http_status: finished.http_status,
            message: None,
            bill: std::mem::take(&mut finished.bill),
            at: finished.ended_at,
        });
    }
    let published = pictures.publish(staged, fault_point);
    published.await.map_err(|error| error.to_string())?;
    fault_point("published_all");
    let recorded = recorder.commit(changes, Durability::Power).await;
    recorded.map_err(|error| error.to_string())?;
    fault_point("committed");
    Ok(())
}
