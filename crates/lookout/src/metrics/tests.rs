use std::time::{Duration, SystemTime};

use dispatch::{Event, Failure, FailureKind, Money, Order};
use fixtures::metrics::Metrics;
use proptest::prelude::*;

use super::*;
use crate::made_up::dispatcher;

/// A run at endpoints of these names, whose calls take a second; every third is not good enough, and
/// each of the next few is under way.
fn figures(names: &[&str]) -> Figures {
    let mut dispatcher = dispatcher(names);
    let (mut events, mut now) = (vec![Event::Wake], Duration::ZERO);
    while let Some(event) = events.pop() {
        now += Duration::from_millis(500);
        events.extend(
            dispatcher
                .on(event, now)
                .into_iter()
                .filter_map(|order| follows(&order)),
        );
    }
    Figures {
        layer: "snow".to_owned(),
        currency: "EUR".to_owned(),
        process: Process::now(SystemTime::now()),
        run: Some(Arc::new(Snapshot::of(&dispatcher, false, now))),
    }
}

/// What becomes of an order: only the first calls are answered.
fn follows(order: &Order) -> Option<Event> {
    match *order {
        Order::Prepare { canvas, .. } => Some(Event::Prepared {
            canvas,
            result: Ok(()),
        }),
        Order::Call { attempt, .. } if attempt <= 6 => Some(Event::Called {
            attempt,
            result: Ok(()),
        }),
        Order::Save { attempt, .. } if attempt % 3 == 0 => Some(Event::Unusable {
            attempt,
            failure: Failure::new(FailureKind::NotAccepted, "it is grey"),
        }),
        Order::Save { attempt, .. } => Some(Event::Saved {
            attempts: vec![attempt],
        }),
        _ => None,
    }
}

/// Both formats as others read them, which say the same.
fn read(figures: &Figures) -> Metrics {
    let written = |format| figures.clone().written(format).unwrap();
    let plain = Metrics::of_prometheus(&written(Format::Prometheus));
    let open = Metrics::of_openmetrics(&written(Format::OpenMetrics));
    assert_eq!(plain, open);
    plain
}

#[test]
fn the_figures_are_the_dispatcher_s() {
    let figures = figures(&["a", "b"]);
    let metrics = read(&figures);
    let run = figures.run.as_ref().unwrap();
    let calls = |outcome| metrics.sum("map_layer_calls_total", &[("outcome", outcome)]);
    assert_eq!((calls("ok"), calls("not_accepted")), (4.0, 2.0));
    assert_eq!(run.tally.items_completed, 4);
    assert_eq!(
        metrics.get("map_layer_items_completed_total", &[]),
        Some(4.0)
    );
    assert!(metrics.sum("map_layer_call_seconds_total", &[]) > 0.0);
    let items = |status| metrics.sum("map_layer_items", &[("status", status)]);
    assert_eq!(items("complete"), 4.0);
    let all = metrics.sum("map_layer_items", &[]);
    let counted = run.steps.values().map(dispatch::StepCounts::total);
    assert_eq!(all, counted.sum::<usize>() as f64);
    let under_way = metrics.sum("map_layer_endpoint_calls_under_way", &[]);
    assert_eq!((items("in_progress"), under_way), (2.0, 2.0));
    // The money of what is paid for, and what is left.
    let cost = metrics.sum("map_layer_cost_total", &[("currency", "EUR")]);
    assert_eq!(Money::of(cost), Money::of(6.0 * 0.04));
    assert_eq!(metrics.get("map_layer_calls_left", &[]), Some(994.0));
    assert_eq!(metrics.get("map_layer_cost_left", &[]), None);
    assert_eq!(
        metrics.get("map_layer_endpoint_slots", &[("endpoint", "b")]),
        Some(1.0)
    );
    assert!(metrics.get("process_start_time_seconds", &[]) > Some(1e9));
    let is_named_well = |name: &str| name.starts_with("map_layer_") || name.starts_with("process_");
    assert!(metrics.names().all(is_named_well));
}

#[test]
fn an_endpoint_that_came_again_under_its_name_is_one() {
    let (twice, once) = (read(&figures(&["a", "a"])), read(&figures(&["a", "b"])));
    let calls = |metrics: &Metrics| metrics.sum("map_layer_calls_total", &[]);
    assert_eq!(calls(&twice), calls(&once));
    assert_eq!(
        twice.get("map_layer_endpoint_slots", &[("endpoint", "a")]),
        Some(2.0)
    );
}

#[test]
fn before_the_run_there_is_the_process() {
    let figures = Figures {
        run: None,
        ..figures(&["a"])
    };
    let metrics = read(&figures);
    let labels = [("layer", "snow"), ("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(metrics.get("map_layer_build_info", &labels), Some(1.0));
    assert!(metrics.get("process_cpu_seconds_total", &[]).is_some());
    assert_eq!(metrics.sum("map_layer_items", &[]), 0.0);
}

#[test]
fn the_accept_header_chooses_the_format() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    for (accept, format) in [
        (prometheus, Format::OpenMetrics),
        ("application/openmetrics-text", Format::OpenMetrics),
        ("text/plain", Format::Prometheus),
        (
            "text/plain, application/openmetrics-text; q=0",
            Format::Prometheus,
        ),
        (
            "text/plain;q=0.9, Application/OpenMetrics-Text; q=0.1",
            Format::Prometheus,
        ),
        ("text/html, */*", Format::Prometheus),
        ("application/openmetrics-text;q=x", Format::OpenMetrics),
        ("", Format::Prometheus),
    ] {
        assert_eq!(Format::asked_for(accept), format, "{accept}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_name_of_an_endpoint_is_read_as_it_is(
        names in prop::collection::btree_set(r#"[a\\"\n{}=,# é雪💠]{1,12}|\PC{1,12}"#, 1..6),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let metrics = read(&figures(&names));
        for name in names {
            let slots = metrics.get("map_layer_endpoint_slots", &[("endpoint", name)]);
            prop_assert_eq!(slots, Some(1.0));
        }
    }
}
