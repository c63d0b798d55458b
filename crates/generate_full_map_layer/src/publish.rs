//! From synced temporary files to complete items.
//!
//! The order makes every moment safe to die in: the files are whole under their temporary names,
//! they are renamed, the directory is synced, and only then the items are complete. Items that
//! are finished at about the same time share the sync of the directory and the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dispatch::Handle;
use layer::{LayerDir, PictureRecord, StagedPicture};
use planner::Quadrant;
use progress_db::{AttemptId, Change, Durability, FinishedPicture, Outcome};
use tokio::sync::mpsc;

use crate::clock::unix_now;
use crate::event::Event;
use crate::fault_point::fault_point;
use crate::recorder::Recorder;

/// How long a finished item waits for others that are about to be.
const WINDOW: Duration = Duration::from_millis(20);
/// How many items share a commit at most.
const MOST_TOGETHER: usize = 64;

/// An item whose pictures are synced under their temporary names.
#[derive(Debug)]
pub(crate) struct Finished {
    pub handle: Handle,
    pub item: i64,
    pub attempt: AttemptId,
    pub http_status: Option<u16>,
    pub pictures: Vec<(Quadrant, StagedPicture, PictureRecord)>,
}

/// Publishes items as they come, until there are no more senders.
pub(crate) async fn publish_all(
    layer: Arc<LayerDir>,
    recorder: Recorder,
    mut finished: mpsc::UnboundedReceiver<Finished>,
    being_saved: Arc<AtomicUsize>,
    events: mpsc::UnboundedSender<Event>,
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
        let handles: Vec<Handle> = batch.iter().map(|item| item.handle).collect();
        let published = publish(Arc::clone(&layer), &recorder, batch).await;
        being_saved.fetch_sub(handles.len(), Ordering::Relaxed);
        let event = match published {
            Ok(()) => Event::Saved { handles },
            Err(message) => Event::StorageFailed { handles, message },
        };
        // The run may have ended early; the items are complete all the same.
        let _ = events.send(event);
    }
}

async fn publish(
    layer: Arc<LayerDir>,
    recorder: &Recorder,
    batch: Vec<Finished>,
) -> Result<(), String> {
    let renamed = tokio::task::spawn_blocking(move || rename_all(&layer, batch));
    let changes = renamed.await.map_err(|error| error.to_string())??;
    recorder
        .commit(changes, Durability::Power)
        .await
        .map_err(|error| error.to_string())?;
    fault_point("committed");
    Ok(())
}

fn rename_all(layer: &LayerDir, batch: Vec<Finished>) -> Result<Vec<Change>, String> {
    let mut changes = Vec::with_capacity(2 * batch.len());
    let at = unix_now();
    for Finished {
        item,
        attempt,
        http_status,
        pictures,
        ..
    } in batch
    {
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
