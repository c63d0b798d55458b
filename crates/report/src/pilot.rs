//! What is told and recorded of a pilot that tries other settings beside a layer.

use std::time::SystemTime;

use dispatch::{Ending, Queue};
use layer::{
    LayerDir, LayerError, PilotEndpoint, PilotItem, PilotName, PilotRecord, shell_quoted, timestamp,
};
use planner::Status;
use progress_db::FailedInPilot;

use crate::figures::Figures;
use crate::pilot_told::PilotTold;

/// A pilot beside a layer, that is being made.
pub struct PilotMade {
    layer: LayerDir,
    name: PilotName,
    record: PilotRecord,
    failed: FailedInPilot,
}

impl PilotMade {
    /// A pilot that begins with the items of `queue`, written down.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn begin(
        layer: LayerDir,
        name: PilotName,
        mut record: PilotRecord,
        failed: FailedInPilot,
        queue: &Queue,
    ) -> Result<Self, LayerError> {
        record.items = pilot_items(queue, |_| None);
        layer.write_pilot(&name, &record)?;
        Ok(Self {
            layer,
            name,
            record,
            failed,
        })
    }

    /// What people are told of it.
    #[must_use]
    pub fn told(&self) -> PilotTold {
        let layer_dir = shell_quoted(self.layer.path());
        PilotTold {
            place: self.layer.pilot_dir(&self.name).display().to_string(),
            look: format!("debug_generate_full_map_layer --layer-dir {layer_dir} --serve"),
        }
    }

    /// Writes down what it came to, how it ended, and what `endpoints` were told, which may have come
    /// meanwhile.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(
        &mut self,
        figures: &Figures<'_>,
        ending: &Ending,
        endpoints: Vec<PilotEndpoint>,
    ) -> Result<(), LayerError> {
        let record = &mut self.record;
        record.endpoints = endpoints;
        (record.calls, record.calls_paid, record.cost) = figures.calls();
        let queue = figures.queue();
        record.items = pilot_items(queue, |item| self.failed.why(item));
        record.ended_at = Some(timestamp(SystemTime::now()));
        record.exit_status = Some(ending.exit_status());
        record.reason = match ending {
            Ending::Done if queue.totals().pending > 0 => {
                Some("no more blocks were asked for".to_owned())
            }
            Ending::Done => None,
            Ending::Unfinished => Some("some blocks failed, or wait on failed ones".to_owned()),
            Ending::Signal(signal) => Some(signal.to_string()),
            Ending::Early(reason) => Some(reason.clone()),
        };
        self.layer.write_pilot(&self.name, record)
    }
}

/// The items of a pilot as they stand; `why` tells why one failed.
fn pilot_items(queue: &Queue, why: impl Fn(i64) -> Option<String>) -> Vec<PilotItem> {
    let items = (0..).zip(queue.items());
    let own = items.filter(|&(handle, _)| !queue.is_outside(handle));
    let told = own.map(|(handle, item)| PilotItem {
        item: item.id,
        x: item.block.top_left.x,
        y: item.block.top_left.y,
        shape: item.block.shape.name().to_owned(),
        step: item.step,
        only_precedes: queue.only_precedes(handle),
        status: match item.status {
            Status::Complete => "complete",
            Status::Error => "error",
            _ if queue.is_held_back(handle) => "waiting",
            Status::Pending | Status::InProgress => "pending",
        }
        .to_owned(),
        message: why(item.id),
    });
    told.collect()
}
