//! The one writer of `progress.db` during a run.
//!
//! Whatever waits when a commit is over shares the next one, so that a claim waits for at most
//! one sync of the disk, and a burst of finished items costs one.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::{Change, Durability, ProgressDb, ProgressError};

/// Hands changes to the writer.
#[derive(Debug, Clone)]
pub struct Recorder {
    requests: mpsc::UnboundedSender<Request>,
}

#[derive(Debug)]
struct Request {
    changes: Vec<Change>,
    durability: Durability,
    done: oneshot::Sender<Result<(), Arc<ProgressError>>>,
}

impl Recorder {
    /// A recorder, and the writer behind it, which ends when the last recorder is gone. `passing` is
    /// told `recording` before each commit.
    pub fn new(mut db: ProgressDb, passing: fn(&str)) -> (Self, impl Future<Output = ()>) {
        let (requests, mut incoming) = mpsc::unbounded_channel::<Request>();
        let writer = async move {
            while let Some(first) = incoming.recv().await {
                let mut batch = vec![first];
                while let Ok(next) = incoming.try_recv() {
                    batch.push(next);
                }
                let durable = batch
                    .iter()
                    .any(|request| request.durability == Durability::Power);
                let durability = if durable {
                    Durability::Power
                } else {
                    Durability::Process
                };
                let changes: Vec<Change> = batch
                    .iter_mut()
                    .flat_map(|request| std::mem::take(&mut request.changes))
                    .collect();
                passing("recording");
                let result = db.commit(&changes, durability).await.map_err(Arc::new);
                for request in batch {
                    // Who does not wait for the answer is not interested in it.
                    let _ = request.done.send(result.clone());
                }
            }
            // A full disk may refuse to fold the log into the database; the next run does it.
            let _ = db.close().await;
        };
        (Self { requests }, writer)
    }

    /// Writes changes, in the order in which this is called, and waits until they are committed.
    ///
    /// # Errors
    /// [`ProgressError`] when they cannot be written.
    pub async fn commit(
        &self,
        changes: Vec<Change>,
        durability: Durability,
    ) -> Result<(), Arc<ProgressError>> {
        match self.submit(changes, durability).await {
            Ok(committed) => committed,
            // The writer has ended the run, and says why.
            Err(_) => std::future::pending().await,
        }
    }

    /// Writes changes, in the order in which this is called; what is returned tells when they
    /// are committed.
    pub fn submit(
        &self,
        changes: Vec<Change>,
        durability: Durability,
    ) -> oneshot::Receiver<Result<(), Arc<ProgressError>>> {
        let (done, committed) = oneshot::channel();
        // Without a writer nobody answers.
        let _ = self.requests.send(Request {
            changes,
            durability,
            done,
        });
        committed
    }
}
