//! From synced temporary files to complete items.
//!
//! The order makes every moment safe to die in: the files are whole under their temporary names,
//! they are renamed, the directory is synced, and only then the items are complete. Items that
//! are finished at about the same time share the sync of the directory and the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use layer::{LayerDir, PictureRecord, StagedPicture};
use planner::Quadrant;
use progress_db::{AttemptId, Change, Durability, FinishedPicture, Outcome};
use tokio::sync::{mpsc, oneshot};

use super::clock::unix_now;
use super::fault_point::fault_point;
use super::recorder::Recorder;

/// How long a finished item waits for others that are about to be.
const WINDOW: Duration = Duration::from_millis(20);
/// How many items share a commit at most.
const MOST_TOGETHER: usize = 64;

/// An item whose pictures are synced under their temporary names.
#[derive(Debug)]
pub(crate) struct Finished {
    pub item: i64,
    pub attempt: AttemptId,
    pub http_status: Option<u16>,
    pub pictures: Vec<(Quadrant, StagedPicture, PictureRecord)>,
    /// Is told when the item is complete, or why it is not.
    pub done: oneshot::Sender<Result<(), String>>,
}

/// Publishes items as they come, until there are no more senders.
pub(crate) async fn publish_all(
    layer: Arc<LayerDir>,
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
        let (batch, done): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|finished| {
                let Finished {
                    item,
                    attempt,
                    http_status,
                    pictures,
                    done,
                } = finished;
                ((item, attempt, http_status, pictures), done)
            })
            .unzip();
        let published = publish(Arc::clone(&layer), &recorder, batch).await;
        for done in done {
            // The run may have ended early; the item is complete all the same.
            let _ = done.send(published.clone());
        }
    }
}

/// An item's id and call, the status of the answer, and its pictures.
type Staged = (
    i64,
    AttemptId,
    Option<u16>,
    Vec<(Quadrant, StagedPicture, PictureRecord)>,
);

async fn publish(
    layer: Arc<LayerDir>,
    recorder: &Recorder,
    batch: Vec<Staged>,
) -> Result<(), String> {
    let renamed = tokio::task::spawn_blocking(move || rename_all(&layer, batch));
    let changes = renamed
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    recorder
        .commit(changes, Durability::Power)
        .await
        .map_err(|error| error.to_string())?;
    fault_point("committed");
    Ok(())
}

fn rename_all(layer: &LayerDir, batch: Vec<Staged>) -> Result<Vec<Change>, String> {
    let mut changes = Vec::with_capacity(2 * batch.len());
    let at = unix_now();
    for (item, attempt, http_status, pictures) in batch {
        let mut files = Vec::with_capacity(pictures.len());
        for (quadrant, staged, PictureRecord { bytes, hash }) in pictures {
            staged.publish().map_err(|error| error.to_string())?;
            fault_point("renamed_one");
            files.push(FinishedPicture {
                quadrant,
                bytes,
                hash,
            });
        }
        fault_point("renamed_all");
        changes.push(Change::Complete {
            item,
            pictures: files,
            at,
        });
        changes.push(Change::AttemptEnded {
            attempt,
            outcome: Outcome::Ok,
            http_status,
            at,
        });
    }
    layer.sync_pictures().map_err(|error| error.to_string())?;
    Ok(changes)
}
