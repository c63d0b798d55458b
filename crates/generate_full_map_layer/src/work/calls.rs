//! The work of one call: sending a canvas to its endpoint, and saving the answer. Canvases are
//! prepared in [`super::canvases`].
//!
//! Waiting is async; decoding and encoding run on [`Cores`](cores::Cores). Each piece is a task of the
//! executor's, and what it returns is the next event.

use std::borrow::Cow;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use canvas::{Arrangement, Buffers, Content, Drawn, Judgement, Sent, SizeMatch};
use cores::Stage;
use dispatch::{CanvasId, EndpointIndex, Event, Failure, FailureKind, PrepareFailure};
use fleet::{Speaks, call_server, decode_answer};
use layer::{CanvasMode, LayerError, StagedPicture, unix_now};
use model_client::{CameAs, Carried, Received};
use planner::{Item, Quadrant};
use progress_db::{Bill, Change, Durability, PictureRecord, StartedCall};
use tokio::sync::{Semaphore, oneshot};

use super::fault_point::fault_point;
use super::publish::Finished;
use super::task::{Answer, Call, Done, Work};

/// How many items are being written to the disk at a time. A sync is a wait, not work.
const WRITERS: usize = 16;

/// The encoded quadrants of a block, cut out of an answer.
struct Cut {
    size_match: SizeMatch,
    judgement: Judgement,
    quadrants: Vec<(Quadrant, Vec<u8>)>,
}

impl Work {
    /// Room for the writers of a run.
    pub(crate) fn writers() -> Semaphore {
        Semaphore::new(WRITERS)
    }

    /// Records that the call starts, and calls the endpoint.
    pub(crate) async fn call(self: Arc<Self>, call: Call, content: Option<Content>) -> Done {
        let attempt = call.attempt;
        let endpoint = &*call.at;
        let (item, at) = (call.item.id, unix_now());
        let added = self.prompts.get(&item);
        let settings = match added {
            None => Cow::Borrowed(&endpoint.settings),
            Some(added) => Cow::Owned(endpoint.settings.with_added(added)),
        };
        let (seed, recorded_seed) = endpoint.seed_of(call.seed);
        let started = StartedCall {
            attempt,
            endpoint: endpoint.name.clone(),
            protocol: endpoint.protocol_name(),
            settings_hash: settings.hash.clone(),
            seed: recorded_seed,
            aside: call.aside,
            joined: match endpoint.form.mode {
                CanvasMode::Block => Vec::new(),
                CanvasMode::Infill => {
                    Arrangement::joined(call.item.block, self.size, &call.finished)
                }
            },
        };
        let start = match call.id {
            CanvasId::Of(_) => Change::Claim {
                item,
                call: started,
                at,
            },
            CanvasId::Comparison(_) => Change::Compare {
                item,
                call: started,
                at,
            },
        };
        let mut changes = vec![start];
        if added.is_some() {
            changes.push(Change::Settings {
                hash: settings.hash.clone(),
                told: endpoint.redact(&settings.told_json()),
            });
        }
        if let Err(error) = self.recorder.commit(changes, Durability::Process).await {
            return Done::Event(Event::StorageFailed {
                attempts: vec![attempt],
                message: error.to_string(),
            });
        }
        fault_point("claimed");
        let content = match content {
            Some(content) => content,
            None => match self.redraw(&call).await {
                Ok(content) => content,
                Err(PrepareFailure::Item(message)) => {
                    let answer = Err(Failure::new(FailureKind::Rejected, message));
                    return Done::Called {
                        attempt,
                        answer,
                        usage: None,
                    };
                }
                Err(PrepareFailure::Source(message)) => {
                    return Done::Event(Event::StorageFailed {
                        attempts: vec![attempt],
                        message: format!("the source map cannot be read: {message}"),
                    });
                }
            },
        };
        let (answer, usage) = match &endpoint.speaks {
            Speaks::Builtin(filter) => {
                let filter = *filter;
                let draw = move |_: &mut Buffers| content.filtered(filter);
                let drawn = self.cores.run(draw).await;
                (drawn.map(Answer::Drawn).map_err(Failure::bad_answer), None)
            }
            Speaks::Http(server) => {
                let again = || Arc::clone(&self).encode_again(call.clone());
                let sheet = (content, call.sent());
                let called = call_server(&self.client, server, &settings, sheet, seed, again).await;
                let answer = called
                    .result
                    .map_err(|failure| endpoint.with_remedy(failure));
                (answer.map(Answer::Encoded), called.usage)
            }
        };
        if answer.is_ok() {
            fault_point("answered");
        }
        Done::Called {
            attempt,
            answer,
            usage,
        }
    }

    /// Asks an endpoint whether it is there.
    pub(crate) async fn probe(self: Arc<Self>, endpoint: EndpointIndex) -> Done {
        fault_point("probing");
        let result = match &self.roster.at(endpoint).speaks {
            Speaks::Builtin(_) => Ok(()),
            Speaks::Http(server) => self.client.probe(server).await,
        };
        Done::Event(Event::Probed { endpoint, result })
    }

    /// Cuts the quadrants out of an answer, writes and syncs them, and waits until they are
    /// published and recorded.
    pub(crate) async fn save(self: Arc<Self>, call: Call, answer: Answer, bill: Bill) -> Done {
        self.being_saved.fetch_add(1, Ordering::Relaxed);
        let saved = self.cut_and_publish(&call, answer, bill).await;
        self.being_saved.fetch_sub(1, Ordering::Relaxed);
        let attempt = call.attempt;
        Done::Event(match saved {
            Ok(()) => Event::Saved {
                attempts: vec![attempt],
            },
            Err(NotSaved::Unusable(failure)) => Event::Unusable { attempt, failure },
            Err(NotSaved::Storage(message)) => Event::StorageFailed {
                attempts: vec![attempt],
                message,
            },
        })
    }

    async fn cut_and_publish(
        self: &Arc<Self>,
        call: &Call,
        answer: Answer,
        bill: Bill,
    ) -> Result<(), NotSaved> {
        let block = call.item.block;
        let to_cut = call.clone();
        let came_as = match &answer {
            Answer::Encoded(received) => Some(received.came_as.clone()),
            Answer::Drawn(_) => None,
        };
        let http_status = answer.http_status();
        let this = Arc::clone(self);
        let cut = self
            .cores
            .run(move |buffers| {
                fault_point("cutting");
                this.cut(&to_cut, answer, buffers)
            })
            .await;
        let Cut {
            size_match,
            judgement,
            quadrants,
        } = cut.map_err(|reason| {
            let reason = call.at.redact(&reason);
            NotSaved::Unusable(match came_as {
                Some(came_as) => CameAs::unusable(&came_as, &reason),
                None => Failure::bad_answer(reason),
            })
        })?;
        self.sizes.note(size_match);
        let judgement = match judgement.in_doubt.is_empty() {
            true => judgement,
            false => self.settle(call.at.name.clone(), block, judgement).await,
        };
        if !judgement.is_good() {
            let told = self.reject(call, judgement, quadrants).await?;
            let failure = Failure::new(FailureKind::NotAccepted, told);
            return Err(NotSaved::Unusable(failure));
        }
        let permit = self
            .writers
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let this = Arc::clone(self);
        let staged = tokio::task::spawn_blocking(move || {
            fault_point("staging");
            this.cpu_time.of(Stage::WriteFile, || this.stage(quadrants))
        });
        let staged = staged
            .await
            .unwrap_or_else(|panic| panic::resume_unwind(panic.into_panic()));
        drop(permit);
        let (done, published) = oneshot::channel();
        let finished = Finished {
            item: call.item.id,
            attempt: call.attempt,
            http_status,
            bill,
            ended_at: call.ended_at,
            pictures: staged.map_err(|error| NotSaved::Storage(error.to_string()))?,
            done,
        };
        let _ = self.publisher.send(finished);
        match published.await {
            Ok(Ok(())) => {
                self.forget_rejected(call.item).await;
                Ok(())
            }
            Ok(Err(message)) => Err(NotSaved::Storage(message)),
            // The publisher has ended the run, and says why.
            Err(_) => std::future::pending().await,
        }
    }

    /// Removes the rejected answer of an item that is complete now. That it is complete holds all the
    /// same.
    async fn forget_rejected(self: &Arc<Self>, item: Item) {
        if self.gate.keeps_of(item) {
            let this = Arc::clone(self);
            let forgotten = tokio::task::spawn_blocking(move || this.gate.forget(item)).await;
            let forgotten =
                forgotten.unwrap_or_else(|panic| panic::resume_unwind(panic.into_panic()));
            drop(forgotten.inspect_err(|error| tracing::warn!("{error}")));
        }
    }

    fn stage(
        &self,
        quadrants: Vec<(Quadrant, Vec<u8>)>,
    ) -> Result<Vec<(Quadrant, StagedPicture, PictureRecord)>, LayerError> {
        let staged = quadrants.into_iter().map(|(quadrant, bytes)| {
            let record = PictureRecord::of(&bytes);
            Ok((quadrant, self.pictures.stage(quadrant, bytes)?, record))
        });
        staged.collect()
    }

    fn cut(&self, call: &Call, answer: Answer, buffers: &mut Buffers) -> Result<Cut, String> {
        let (block, sheet) = (call.item.block, call.sent());
        let as_it_is = |quadrants, judgement| Cut {
            size_match: SizeMatch::Exact,
            judgement,
            quadrants,
        };
        let (picture, as_it_came) = match answer {
            Answer::Drawn(Drawn::Picture(picture)) => (picture, None),
            Answer::Drawn(Drawn::Quadrants(quadrants)) => {
                return Ok(as_it_is(quadrants, Judgement::default()));
            }
            Answer::Encoded(Received { picture, .. }) => {
                let check = || self.as_it_came(sheet, &picture, buffers);
                let as_it_came = self.cpu_time.of(Stage::DecodeAnswer, check);
                if self.gate.looks_for().is_none()
                    && let Some(stored) = as_it_came
                {
                    let quadrants = vec![(block.top_left, stored)];
                    return Ok(as_it_is(quadrants, Judgement::default()));
                }
                let decode = || decode_answer(sheet, &picture, buffers);
                (self.cpu_time.of(Stage::DecodeAnswer, decode)?, as_it_came)
            }
        };
        let (mut picture, size_match) = sheet.bring_to_size(picture)?;
        let judge = || self.gate.judge(&call.at.name, sheet, &picture);
        let judgement = self.cpu_time.of(Stage::Judge, judge);
        if let Some(stored) = as_it_came {
            return Ok(as_it_is(vec![(block.top_left, stored)], judgement));
        }
        canvas::match_colors(&mut picture, sheet.block_at_px, &sheet.joins);
        let mut quadrants = Vec::with_capacity(4);
        for quadrant in block.quadrants() {
            let part = self.size.part_of(quadrant, block, sheet.block_at_px);
            let encode = || canvas::encode_quadrant(&picture, part, self.compression, buffers);
            let encoded = self.cpu_time.of(Stage::EncodeQuadrant, encode)?;
            quadrants.push((quadrant, encoded));
        }
        buffers.give_back(picture.into_raw());
        Ok(Cut {
            size_match,
            judgement,
            quadrants,
        })
    }

    /// Keeps the pictures of an answer that is not good enough; what is said of it.
    async fn reject(
        self: &Arc<Self>,
        call: &Call,
        judgement: Judgement,
        quadrants: Vec<(Quadrant, Vec<u8>)>,
    ) -> Result<String, NotSaved> {
        let pictures = quadrants.iter().map(|(_, bytes)| PictureRecord::of(bytes));
        let drew = Change::Drew {
            attempt: call.attempt,
            pictures: pictures.collect(),
        };
        let recorded = self.recorder.commit(vec![drew], Durability::Process).await;
        recorded.map_err(|error| NotSaved::Storage(error.to_string()))?;
        let (this, item, endpoint) = (Arc::clone(self), call.item, call.endpoint);
        let at = Arc::clone(&call.at);
        let reject = move || {
            let drawn_by = (endpoint, &*at.name);
            this.gate.reject(item, drawn_by, &judgement, &quadrants)
        };
        let rejected = tokio::task::spawn_blocking(reject).await;
        rejected
            .unwrap_or_else(|panic| panic::resume_unwind(panic.into_panic()))
            .map_err(|error| NotSaved::Storage(error.to_string()))
    }
}

impl Work {
    /// The bytes of an answer that is just what is to be stored.
    fn as_it_came(
        &self,
        sheet: &Sent,
        picture: &Carried,
        buffers: &mut Buffers,
    ) -> Option<Vec<u8>> {
        if !sheet.is_of_one_quadrant(self.size) {
            return None;
        }
        let bytes = picture.bytes(|length| buffers.take(length)).ok()?;
        canvas::is_as_stored(&bytes, self.size, buffers).then(|| bytes.into_owned())
    }
}

/// Why an answer is not saved.
enum NotSaved {
    Unusable(Failure),
    Storage(String),
}
