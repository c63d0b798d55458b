//! A run's figures as Prometheus reads them.
//!
//! Names follow <https://prometheus.io/docs/practices/naming/>; how often a call ended in one way and how
//! long it took are two counters, so that a thousand endpoints stay some thousand lines.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::process::Process;
use crate::snapshot::{EndpointSeen, Snapshot};

/// How the figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' own text, version 0.0.4.
    Prometheus,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The `Content-Type`.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The one that an `Accept` asks for.
    pub(crate) fn asked_for(accept: &str) -> Self {
        let weight = |kind: &str| {
            let parts = accept.split(',').map(|part| {
                let mut parts = part.split(';').map(str::trim);
                let is_it = parts
                    .next()
                    .is_some_and(|own| own.eq_ignore_ascii_case(kind));
                let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
                is_it.then_some(weight.unwrap_or(1.0))
            });
            parts.flatten().fold(0.0, f64::max)
        };
        let (open, plain) = (weight("application/openmetrics-text"), weight("text/plain"));
        if open > 0.0 && open >= plain {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }
}

/// What the figures are made of.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// The layer's name.
    pub layer: String,
    /// The currency of prices; empty where the layer has not been read.
    pub currency: String,
    pub process: Process,
    /// `None` before the run's first call.
    pub run: Option<Arc<Snapshot>>,
}

impl Figures {
    /// All of them.
    ///
    /// # Errors
    /// None: memory takes everything.
    pub(crate) fn written(self, format: Format) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut page = String::new();
        match format {
            Format::Prometheus => prometheus_text::encode(&mut page, &registry)?,
            Format::OpenMetrics => text::encode(&mut page, &registry)?,
        }
        Ok(page)
    }
}

/// What is read off an endpoint.
type Figure = fn(&EndpointSeen) -> f64;
type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// Families of figures, one after the other.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// Figures that go up and down; `name` tells their unit.
    fn gauge<'a>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) -> fmt::Result {
        self.family((name, help, MetricType::Gauge), rows, |mut row, value| {
            row.encode_gauge(&value)
        })
    }

    /// Figures that only grow while the process lives; what is written has `_total` at its end.
    fn counter<'a>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) -> fmt::Result {
        self.family((name, help, MetricType::Counter), rows, |mut row, value| {
            row.encode_counter::<NoLabelSet, f64, f64>(&value, None)
        })
    }

    /// A family that has rows; of one that has none not even the name is written.
    fn family<'a>(
        &mut self,
        (name, help, kind): (&str, &str, MetricType),
        rows: impl IntoIterator<Item = (Labels<'a>, f64)>,
        write: fn(MetricEncoder<'_>, f64) -> fmt::Result,
    ) -> fmt::Result {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        rows.try_for_each(|(labels, value)| write(family.encode_family(&labels)?, value))
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        let about = vec![
            ("layer", Cow::from(&self.layer)),
            ("version", env!("CARGO_PKG_VERSION").into()),
        ];
        page.gauge(
            "map_layer_build_info",
            "The layer, and the program's version",
            [(about, 1.0)],
        )?;
        self.write_process(&mut page)?;
        let Some(run) = &self.run else { return Ok(()) };
        write_items(&mut page, run)?;
        self.write_calls(&mut page, run)?;
        write_endpoints(&mut page, run)
    }
}

impl Figures {
    fn write_process(&self, page: &mut Page<'_>) -> fmt::Result {
        let process = &self.process;
        let one = |value: f64| [(Labels::new(), value)];
        let (started, cpu) = (process.started.as_secs_f64(), process.cpu.as_secs_f64());
        page.gauge(
            "process_start_time_seconds",
            "When the process began, in Unix time",
            one(started),
        )?;
        page.counter(
            "process_cpu_seconds",
            "Processor time of the process",
            one(cpu),
        )?;
        let of = |value: Option<u64>| value.map(|value| (Labels::new(), value as f64));
        page.gauge(
            "process_resident_memory_bytes",
            "Memory that the process uses",
            of(process.resident_bytes),
        )?;
        page.gauge(
            "map_layer_resident_memory_peak_bytes",
            "The most memory that the process has used",
            of(process.most_resident_bytes),
        )?;
        page.gauge(
            "process_open_fds",
            "Files and connections that the process has open",
            of(process.open_files.map(|files| files as u64)),
        )
    }

    fn write_calls(&self, page: &mut Page<'_>, run: &Snapshot) -> fmt::Result {
        let calls = |figure: fn(&dispatch::Ended) -> f64| {
            run.endpoints.iter().flat_map(move |(name, endpoint)| {
                endpoint.calls.iter().map(move |(outcome, ended)| {
                    let mut labels = of(name);
                    labels.push(("outcome", Cow::from(*outcome)));
                    (labels, figure(ended))
                })
            })
        };
        page.counter(
            "map_layer_calls",
            "Calls that are over, by how they ended: ok is saved",
            calls(|ended| ended.calls as f64),
        )?;
        page.counter(
            "map_layer_call_seconds",
            "How long these calls took, together",
            calls(|ended| ended.took.as_secs_f64()),
        )?;
        let cost = run.endpoints.iter().filter_map(|(name, endpoint)| {
            let mut labels = of(name);
            labels.push(("currency", Cow::from(&self.currency)));
            Some((labels, endpoint.cost?.units()))
        });
        page.counter(
            "map_layer_cost",
            "What calls have cost in this run, by endpoints whose price is known",
            cost,
        )?;
        let (calls_left, cost_left) = run.left;
        let currency = vec![("currency", Cow::from(&self.currency))];
        page.gauge(
            "map_layer_cost_left",
            "How much the run may still spend",
            cost_left.map(|left| (currency, left.units())),
        )?;
        page.gauge(
            "map_layer_calls_left",
            "How many calls the run may still pay for",
            calls_left.map(|left| (Labels::new(), left as f64)),
        )?;
        let tally = &run.tally;
        for (name, help, value) in [
            (
                "map_layer_calls_paid",
                "Calls of this run that are paid for",
                tally.calls_paid as f64,
            ),
            (
                "map_layer_comparisons",
                "Calls made to learn whether an item fails or its endpoint is away",
                tally.comparisons as f64,
            ),
            (
                "map_layer_items_completed",
                "Items completed in this run",
                tally.items_completed as f64,
            ),
            (
                "map_layer_items_failed",
                "Items given up in this run",
                tally.items_failed as f64,
            ),
            (
                "map_layer_quadrants_completed",
                "Quadrants completed in this run",
                tally.quadrants_completed as f64,
            ),
        ] {
            page.counter(name, help, [(Labels::new(), value)])?;
        }
        Ok(())
    }
}

fn write_items(page: &mut Page<'_>, run: &Snapshot) -> fmt::Result {
    let items = run.steps.iter().flat_map(|(step, counts)| {
        let statuses = [
            ("pending", counts.pending),
            ("waiting", counts.held_back),
            ("in_progress", counts.taken),
            ("complete", counts.complete),
            ("failed", counts.failed),
        ];
        statuses.map(|(status, count)| {
            let step = Cow::from(step.to_string());
            (
                vec![("step", step), ("status", status.into())],
                count as f64,
            )
        })
    });
    page.gauge(
        "map_layer_items",
        "Items of the plan; those that are waiting wait on failed ones",
        items,
    )?;
    let in_flight = run.in_flight;
    let canvases = [
        ("coming", in_flight.canvases_coming),
        ("ready", in_flight.canvases_ready),
    ];
    page.gauge(
        "map_layer_canvases",
        "Canvases that are being drawn, and that wait for an endpoint",
        canvases.map(|(state, count)| (vec![("state", state.into())], count as f64)),
    )?;
    for (name, help, value) in [
        (
            "map_layer_items_ready",
            "Items that nothing but an endpoint is waited for",
            run.ready,
        ),
        (
            "map_layer_answers_being_saved",
            "Answers that are being looked at and saved",
            in_flight.being_saved,
        ),
        (
            "map_layer_max_concurrent",
            "How many calls may be under way together",
            run.max_concurrent,
        ),
        (
            "map_layer_stopping",
            "1 when the run begins nothing more",
            usize::from(run.is_stopping),
        ),
        (
            "map_layer_stalled",
            "1 when the run has had work left and not been at work for a minute",
            usize::from(run.is_stalled),
        ),
    ] {
        page.gauge(name, help, [(Labels::new(), value as f64)])?;
    }
    Ok(())
}

fn write_endpoints(page: &mut Page<'_>, run: &Snapshot) -> fmt::Result {
    let figures: [(&str, &str, Figure); 5] = [
        (
            "map_layer_endpoint_slots",
            "How many calls an endpoint serves at a time; none when it is out",
            |endpoint| endpoint.slots as f64,
        ),
        (
            "map_layer_endpoint_calls_under_way",
            "Calls to an endpoint that are under way",
            |endpoint| endpoint.under_way as f64,
        ),
        (
            "map_layer_endpoint_resting_seconds",
            "How long an endpoint still rests, or waits for its limit of calls a minute",
            |endpoint| endpoint.rests.as_secs_f64(),
        ),
        (
            "map_layer_endpoint_away",
            "1 when the last that is known of an endpoint is that it did not answer",
            |endpoint| f64::from(u8::from(endpoint.is_away)),
        ),
        (
            "map_layer_endpoint_out",
            "1 when an endpoint is out, or no endpoint of the run any more",
            |endpoint| f64::from(u8::from(endpoint.is_out)),
        ),
    ];
    for (name, help, figure) in figures {
        let endpoints = run.endpoints.iter();
        page.gauge(
            name,
            help,
            endpoints.map(|(name, endpoint)| (of(name), figure(endpoint))),
        )?;
    }
    Ok(())
}

fn of(endpoint: &str) -> Labels<'_> {
    vec![("endpoint", Cow::from(endpoint))]
}

#[cfg(test)]
mod tests;
