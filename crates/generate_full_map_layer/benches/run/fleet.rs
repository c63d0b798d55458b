//! Many endpoints that take long, as a fleet of rented machines does: how near a run comes to what
//! they allow, how soon all of them are busy, and what its memory and processor time grow with.

use std::slice;
use std::time::Duration;

use layer::Storage;

use crate::layers::Layers;
use crate::measure::{best_schedule, run};
use crate::pictures::Kind;
use crate::{addresses, map, server};

/// How many quadrants wide and high the map is.
const SIDE: i32 = 120;
/// The usual fleet, and how long each endpoint of it takes for a call.
const USUAL: (usize, Duration) = (1000, Duration::from_secs(15));
/// So few endpoints a fleet is compared with; all of them together are as fast.
const FEW: usize = 16;

/// Measures what `ENDPOINTS LATENCY_S ROWS` ask for, each of which may be left out: without a
/// latency a fleet of any size is as fast as the usual one, and `ROWS` is a part of the names of
/// the rows that are wanted; what models draw takes 15 GB of disk, and is measured where it is named.
pub(crate) fn measure(program: &str, mut args: impl Iterator<Item = String>) {
    // The server has a socket for each endpoint too.
    granted::require(granted::Work::Pictures).expect("the system grants what a run needs");
    let number = |text: String| text.parse().expect("a number of endpoints");
    let endpoints: usize = args.next().map_or(USUAL.0, number);
    let seconds = |text: String| Duration::from_secs_f64(text.parse().expect("seconds"));
    let as_fast = USUAL.1.mul_f64(endpoints as f64 / USUAL.0 as f64);
    let latency = args.next().map_or(as_fast, seconds);
    let only = args.next().unwrap_or_default();
    let fleet = (endpoints, latency);
    let few = (FEW, latency.mul_f64(FEW as f64 / endpoints as f64));
    println!(
        "{SIDE}x{SIDE} quadrants of 512x512 px, one run each; the endpoints are one server, and its answers pixel art or, where that is named, what models draw\n"
    );
    print_line(
        "",
        &[
            "time", "to cap-", "to best", "all are", "server", "peak", "CPU of a",
        ],
    );
    let names = [
        "s",
        "acity",
        "rounds",
        "busy, s",
        "CPU s",
        "MB",
        "quadr. ms",
    ];
    print_line("sources, endpoints", &names);
    let mut cpu = Vec::new();
    for (kind, pools) in [
        (Kind::PixelArt, [few, fleet].as_slice()),
        (Kind::Render, &[fleet]),
        (Kind::Drawn, &[fleet]),
    ] {
        let name = |(endpoints, latency): (usize, Duration)| {
            format!("{kind}, {endpoints} x {:.2} s", latency.as_secs_f64())
        };
        let is_wanted = |pool: &(usize, Duration)| match only.as_str() {
            "" => kind != Kind::Drawn,
            only => name(*pool).contains(only),
        };
        if !pools.iter().any(is_wanted) {
            continue;
        }
        let mut layers = Layers::new(map(SIDE, 512, move |at| kind.picture(at)), Storage::Files);
        for pool in pools.iter().copied().filter(is_wanted) {
            let (endpoints, latency) = pool;
            let server = server(kind, latency);
            let mut command = layers.fresh(program, &addresses(&server, endpoints));
            let measured = run(&mut command, slice::from_ref(&server));
            let calls = server.calls();
            let all_busy = calls[endpoints.min(calls.len()) - 1].received_at - measured.started;
            let capacity = calls.len() as f64 * latency.as_secs_f64() / endpoints as f64;
            let wall = measured.wall.as_secs_f64();
            let of_quadrant = 1e3 * measured.cpu.as_secs_f64() / f64::from(SIDE * SIDE);
            let figures = [
                format!("{wall:.1}"),
                format!("{:.2}", wall / capacity),
                format!(
                    "{:.2}",
                    wall / best_schedule(SIDE, endpoints, latency).as_secs_f64()
                ),
                format!("{:.1}", all_busy.as_secs_f64()),
                format!("{:.1}", measured.server_cpu.as_secs_f64()),
                format!("{:.0}", measured.peak_mb),
                format!("{of_quadrant:.2}"),
            ];
            print_line(&name(pool), &figures.each_ref().map(String::as_str));
            if kind == Kind::PixelArt {
                cpu.push(of_quadrant);
            }
        }
    }
    if let [by_few, by_fleet] = cpu[..] {
        println!(
            "\nCPU of a quadrant with {endpoints} endpoints to that with {FEW}: {:.2}",
            by_fleet / by_few
        );
    }
}

fn print_line(name: &str, figures: &[&str; 7]) {
    let figures = figures.iter().map(|figure| format!("{figure:>10}"));
    println!("{name:<32}|{}", figures.collect::<String>());
}
