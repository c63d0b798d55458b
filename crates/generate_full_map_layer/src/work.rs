//! The work of one item: calling an endpoint, and saving the answer. Its canvas is prepared in
//! [`crate::prepare`].
//!
//! Waiting is async; decoding and encoding run on [`Cores`]. Each piece ends in an [`Event`] for
//! the dispatcher.

use std::borrow::Cow;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use canvas::{Buffers, Encoded, QuadrantSize, SizeMatch, Tell};
use dispatch::Handle;
use image::{DynamicImage, RgbImage};
use layer::{CanvasConfig, LayerDir, LayerError, PictureRecord, PngCompression, StagedPicture};
use model_client::{Ask, CameAs, Carried, Client, Failure, Received};
use planner::Item;
use planner::{Block, Quadrant};
use progress_db::{AttemptId, Change, Durability};
use source_map::{PictureColumn, SourceMap};
use tokio::sync::{Semaphore, mpsc};

use crate::clock::unix_now;
use crate::cores::Cores;
use crate::cpu_time::{CpuTime, Stage};
use crate::endpoint::{Endpoint, Speaks};
use crate::event::{Answer, Event};
use crate::fault_point::fault_point;
use crate::prepare::Canvas;
use crate::publish::Finished;
use crate::recorder::Recorder;

/// How many items are being written to the disk at a time. A sync is a wait, not work.
const WRITERS: usize = 16;

/// What all work of a run shares.
#[derive(Debug)]
pub(crate) struct Work {
    pub endpoints: Vec<Endpoint>,
    pub client: Client,
    pub source: SourceMap,
    pub column: PictureColumn,
    pub size: QuadrantSize,
    pub layer: Arc<LayerDir>,
    pub canvas: CanvasConfig,
    pub compression: PngCompression,
    pub cpu_time: Arc<CpuTime>,
    pub recorder: Recorder,
    pub publisher: mpsc::UnboundedSender<Finished>,
    /// Items answered and not yet complete.
    pub being_saved: Arc<AtomicUsize>,
    pub events: mpsc::UnboundedSender<Event>,
    pub cores: Cores,
    pub writers: Semaphore,
}

/// The encoded quadrants of a block, cut out of an answer.
struct Cut {
    size_match: SizeMatch,
    quadrants: Vec<(Quadrant, Vec<u8>)>,
}

/// A call that is about to be made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub handle: Handle,
    pub item: Item,
    pub endpoint: usize,
    pub attempt: AttemptId,
    pub canvas: Arc<Canvas>,
}

impl Work {
    /// Room for the writers of a run.
    pub(crate) fn writers() -> Semaphore {
        Semaphore::new(WRITERS)
    }

    /// Claims the item and calls its endpoint.
    pub(crate) async fn call(self: Arc<Self>, call: Call) {
        let endpoint = &self.endpoints[call.endpoint];
        let claim = Change::Claim {
            item: call.item.id,
            attempt: call.attempt,
            endpoint: endpoint.name.clone(),
            settings_hash: endpoint.settings.hash.clone(),
            at: unix_now(),
        };
        if let Err(error) = self.recorder.commit(vec![claim], Durability::Process).await {
            return self.tell(Event::StorageFailed {
                handles: vec![call.handle],
                message: error.to_string(),
            });
        }
        fault_point("claimed");
        let sheet = call.canvas.in_form(endpoint.form);
        let answer = match &endpoint.speaks {
            Speaks::Builtin(filter) => {
                let (filter, picture) = (*filter, sheet.bytes.clone());
                let drawn = self
                    .cores
                    .run(move |buffers| draw(filter, &picture, buffers))
                    .await;
                drawn.map(Answer::Drawn).map_err(Failure::bad_answer)
            }
            Speaks::Http(server) => {
                let ask = Ask {
                    picture: &sheet.bytes,
                    format: endpoint.form.format,
                    answer_px: sheet.answer_px,
                    settings: &endpoint.settings,
                };
                self.client.call(server, ask).await.map(Answer::Encoded)
            }
        };
        if answer.is_ok() {
            fault_point("answered");
        }
        self.tell(Event::Called {
            handle: call.handle,
            answer,
        });
    }

    /// Asks an endpoint whether it is there.
    pub(crate) async fn probe(self: Arc<Self>, endpoint: usize) {
        let answer = match &self.endpoints[endpoint].speaks {
            Speaks::Builtin(_) => Ok(()),
            Speaks::Http(server) => self.client.probe(server).await,
        };
        self.tell(Event::Probed { endpoint, answer });
    }

    /// Cuts the quadrants out of an answer, writes and syncs them, and hands them on to be
    /// published.
    pub(crate) async fn save(self: Arc<Self>, call: Call, answer: Answer) {
        self.being_saved.fetch_add(1, Ordering::Relaxed);
        let this = Arc::clone(&self);
        let (block, sheet) = (
            call.item.block,
            call.canvas
                .in_form(self.endpoints[call.endpoint].form)
                .clone(),
        );
        let came_as = match &answer {
            Answer::Encoded(received) => Some(received.came_as.clone()),
            Answer::Drawn(_) => None,
        };
        let http_status = came_as.as_ref().map(CameAs::status);
        let cut = self
            .cores
            .run(move |buffers| this.cut(block, &sheet, answer, buffers))
            .await;
        let Cut {
            size_match,
            quadrants,
        } = match cut {
            Ok(cut) => cut,
            Err(reason) => {
                self.being_saved.fetch_sub(1, Ordering::Relaxed);
                let reason = self.endpoints[call.endpoint].redact(&reason);
                let failure = match came_as {
                    Some(came_as) => came_as.unusable(&reason),
                    None => Failure::bad_answer(reason),
                };
                return self.tell(Event::Unusable {
                    handle: call.handle,
                    failure,
                });
            }
        };
        self.tell(Event::Decoded { size_match });
        let permit = self
            .writers
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let this = Arc::clone(&self);
        let staged = tokio::task::spawn_blocking(move || {
            this.cpu_time.of(Stage::WriteFile, || this.stage(quadrants))
        });
        let staged = staged
            .await
            .unwrap_or_else(|panic| panic::resume_unwind(panic.into_panic()));
        drop(permit);
        match staged {
            Ok(pictures) => {
                let finished = Finished {
                    handle: call.handle,
                    item: call.item.id,
                    attempt: call.attempt,
                    http_status,
                    pictures,
                };
                let _ = self.publisher.send(finished);
            }
            Err(error) => {
                self.being_saved.fetch_sub(1, Ordering::Relaxed);
                self.tell(Event::StorageFailed {
                    handles: vec![call.handle],
                    message: error.to_string(),
                });
            }
        }
    }

    fn stage(
        &self,
        quadrants: Vec<(Quadrant, Vec<u8>)>,
    ) -> Result<Vec<(Quadrant, StagedPicture, PictureRecord)>, LayerError> {
        let staged = quadrants.into_iter().map(|(quadrant, bytes)| {
            let staged = self.layer.stage_picture(quadrant, &bytes)?;
            Ok((quadrant, staged, PictureRecord::of(&bytes)))
        });
        staged.collect()
    }

    fn cut(
        &self,
        block: Block,
        sheet: &Encoded,
        answer: Answer,
        buffers: &mut Buffers,
    ) -> Result<Cut, String> {
        let picture = match answer {
            Answer::Drawn(picture) => picture,
            Answer::Encoded(Received { picture, .. }) => {
                let decode = || decode_answer(sheet, &picture, buffers);
                self.cpu_time.of(Stage::DecodeAnswer, decode)?
            }
        };
        let (mut picture, size_match) = sheet.bring_to_size(picture)?;
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
            quadrants,
        })
    }

    /// Tells the dispatcher.
    pub(crate) fn tell(&self, event: Event) {
        // Nobody listens any more when the run was ended at once.
        let _ = self.events.send(event);
    }
}

/// Decodes the picture of an answer.
///
/// # Errors
/// A line that says what came instead of a picture.
pub(crate) fn decode_answer(
    sheet: &Encoded,
    picture: &Carried,
    buffers: &mut Buffers,
) -> Result<RgbImage, String> {
    let bytes = picture.bytes(|length| buffers.take(length))?;
    let tell = match picture {
        Carried::Plain(_) | Carried::Base64(_) => Tell::FirstBytes,
        Carried::Fetched(_) => Tell::Kind,
    };
    let decoded = sheet.decode_answer(&bytes, tell, buffers)?;
    if let Cow::Owned(bytes) = bytes {
        buffers.give_back(bytes);
    }
    Ok(decoded)
}

fn draw(filter: layer::Filter, picture: &[u8], buffers: &mut Buffers) -> Result<RgbImage, String> {
    let mut picture: RgbImage = canvas::into_opaque(decode_own(picture, buffers)?);
    canvas::apply_filter(filter, &mut picture);
    Ok(picture)
}

/// Decodes a canvas that this process encoded itself.
fn decode_own(picture: &[u8], buffers: &mut Buffers) -> Result<DynamicImage, String> {
    canvas::decode(picture, u32::MAX, Tell::FirstBytes, buffers)
}
