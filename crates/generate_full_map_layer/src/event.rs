//! What the workers tell the dispatcher.

use std::sync::Arc;

use canvas::SizeMatch;
use dispatch::Handle;
use image::RgbImage;
use model_client::{Failure, Received};

use crate::pool::EndpointIndex;
use crate::prepare::Canvas;

/// Something that has happened to an item, or to the whole run.
#[derive(Debug)]
pub(crate) enum Event {
    /// A canvas is ready to be sent, or the item cannot be drawn at all.
    Prepared {
        handle: Handle,
        canvas: Result<Arc<Canvas>, PrepareFailure>,
    },
    /// A call has ended.
    Called {
        handle: Handle,
        answer: Result<Answer, Failure>,
    },
    /// An answer's pictures are cut out, and on their way to the disk.
    Decoded { size_match: SizeMatch },
    /// An answer turned out to be of no use.
    Unusable { handle: Handle, failure: Failure },
    /// Items are complete.
    Saved { handles: Vec<Handle> },
    /// An endpoint was asked whether it is there.
    Probed {
        endpoint: EndpointIndex,
        answer: Result<(), Failure>,
    },
    /// Something cannot be written, and with it these items, if any.
    StorageFailed {
        handles: Vec<Handle>,
        message: String,
    },
}

/// Why there is no canvas.
#[derive(Debug)]
pub(crate) enum PrepareFailure {
    /// The fault lies with the pictures of the item, or of what it has to join.
    Item(String),
    /// The source map as a whole cannot be read.
    Source(String),
}

/// What a call brought.
#[derive(Debug)]
pub(crate) enum Answer {
    /// An encoded picture.
    Encoded(Received),
    /// A picture from a filter inside the process.
    Drawn(RgbImage),
}
