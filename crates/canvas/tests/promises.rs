//! What every infill canvas of every plan promises.

use std::collections::HashMap;

use dispatch::{Handle, Queue, Surroundings};
use image::math::Rect;
use image::{Rgba, RgbaImage};
use layer::{CanvasConfig, Color};
use planner::{Block, Quadrant, Region, plan};
use planner::{Item, Status};
use proptest::prelude::*;

use canvas::{Arrangement, Kind, Picture, QuadrantSize, Sheet, infill};

/// A map with its plan, and what happens to it.
#[derive(Debug, Clone)]
struct World {
    region: Region,
    size: QuadrantSize,
    /// Decides which items fail and which of those that may run is next.
    seed: u64,
}

fn worlds() -> impl Strategy<Value = World> {
    (
        1..11_i32,
        1..11_i32,
        4..=10_u8,
        2..8_u32,
        2..8_u32,
        any::<u64>(),
    )
        .prop_map(|(width, height, tenths, width_px, height_px, seed)| {
            let mut random = fastrand::Rng::with_seed(seed);
            let quadrants = (0..height).flat_map(|y| (0..width).map(move |x| (x - 5, y - 3)));
            let region = Region::from_quadrants(
                quadrants
                    .filter(|_| random.u8(0..10) < tenths)
                    .map(|(x, y)| Quadrant::new(x, y)),
            );
            World {
                region,
                size: QuadrantSize {
                    width_px,
                    height_px,
                },
                seed,
            }
        })
}

impl World {
    fn queue(&self) -> Queue {
        let items = (1..)
            .zip(plan(&self.region).blocks)
            .map(|(id, block)| Item {
                id,
                step: block.shape.step(),
                block,
                status: Status::Pending,
            });
        Queue::of(items.collect())
    }

    fn fails(&self, handle: Handle) -> bool {
        fastrand::Rng::with_seed(self.seed ^ u64::from(handle)).u8(0..12) == 0
    }

    /// Runs the plan, several items at a time, and lets `see` look at each when its turn comes.
    fn run(&self, order: u64, mut see: impl FnMut(&Queue, Handle)) {
        let mut queue = self.queue();
        let mut random = fastrand::Rng::with_seed(self.seed ^ order);
        let mut under_way: Vec<Handle> = Vec::new();
        loop {
            let ready: Vec<Handle> = queue.ready().collect();
            if !ready.is_empty() && (under_way.is_empty() || random.bool()) {
                let next = ready[random.usize(0..ready.len())];
                see(&queue, next);
                queue.take(next);
                under_way.push(next);
            } else if !under_way.is_empty() {
                let done = under_way.swap_remove(random.usize(0..under_way.len()));
                if self.fails(done) {
                    queue.fail(done);
                } else {
                    queue.complete(done);
                }
            } else {
                return;
            }
        }
    }

    fn canvas(&self, block: Block, finished: &[Quadrant]) -> Sheet {
        let arrangement =
            Arrangement::of(block, self.size, |quadrant| finished.contains(&quadrant));
        let pictures = arrangement.places().filter_map(|place| {
            let quadrant = place.quadrant;
            let kind = if finished.contains(&quadrant) {
                Kind::Finished
            } else {
                Kind::Source
            };
            self.region.contains(quadrant).then(|| Picture {
                quadrant,
                kind,
                pixels: self.picture(quadrant, kind),
            })
        });
        infill(&arrangement, &CONFIG, pictures.collect())
            .with_border(CONFIG.border_px, CONFIG.border_color)
    }

    fn picture(&self, quadrant: Quadrant, kind: Kind) -> RgbaImage {
        let QuadrantSize {
            width_px,
            height_px,
        } = self.size;
        RgbaImage::from_fn(width_px, height_px, |x, y| color(quadrant, kind, x, y))
    }
}

const CONFIG: CanvasConfig = CanvasConfig {
    mode: layer::CanvasMode::Infill,
    border_px: 1,
    border_color: Color([255, 0, 255]),
    match_px: 0,
    desaturation: 0.0,
    gamma_shift: 0.0,
    noise: 0.0,
};

/// The colour of a pixel of a quadrant's picture: no other one of the map has it.
fn color(quadrant: Quadrant, kind: Kind, x: u32, y: u32) -> Rgba<u8> {
    let (column, row) = ((quadrant.x + 8) as u8, (quadrant.y + 8) as u8);
    let kind = if kind == Kind::Finished { 128 } else { 0 };
    Rgba([column * 8 + x as u8, row * 8 + y as u8, kind, 255])
}

/// Whether a canvas shows a quadrant as finished, read off the rule and nothing else.
fn is_shown_as_finished(items: &[Item], handle: Handle, quadrant: Quadrant) -> bool {
    let item = items[handle as usize];
    (0..).zip(items).any(|(other, owner)| {
        let touches = owner.block.shared_edge(item.block).is_some();
        owner.block.contains(quadrant)
            && owner.status == Status::Complete
            && (owner.step < item.step || (other < handle && touches))
    })
}

/// What is wrong with the canvas of an item.
fn faults(world: &World, items: &[Item], handle: Handle, sheet: &Sheet) -> Vec<String> {
    let block = items[handle as usize].block;
    let is_finished = |quadrant| is_shown_as_finished(items, handle, quadrant);
    let (width, height) = (world.size.width_px as i32, world.size.height_px as i32);
    let (left, top) = (sheet.block_at_px.0 as i32, sheet.block_at_px.1 as i32);
    let mut faults = Vec::new();
    let canvas = sheet.picture.to_rgba8();
    if canvas.dimensions() != (2 * width as u32, 2 * height as u32) {
        faults.push(format!(
            "{:?} is not the size of 2x2 quadrants",
            canvas.dimensions()
        ));
    }
    for (x, y, found) in canvas.enumerate_pixels() {
        let (dx, dy) = (x as i32 - left, y as i32 - top);
        let quadrant = Quadrant::new(
            block.top_left.x + dx.div_euclid(width),
            block.top_left.y + dy.div_euclid(height),
        );
        let expected = |kind| {
            color(
                quadrant,
                kind,
                dx.rem_euclid(width) as u32,
                dy.rem_euclid(height) as u32,
            )
        };
        let [red, green, blue] = CONFIG.border_color.0;
        let is_right = if is_finished(quadrant) {
            *found == expected(Kind::Finished)
        } else if block.contains(quadrant) {
            [expected(Kind::Source), Rgba([red, green, blue, 255])].contains(found)
        } else {
            // What is still to be drawn stands within the border.
            let drawn = |part: &Rect| {
                (part.x..part.x + part.width).contains(&x)
                    && (part.y..part.y + part.height).contains(&y)
            };
            *found != expected(Kind::Source) || sheet.to_draw.iter().any(drawn)
        };
        if !is_right {
            faults.push(format!(
                "({x}, {y}), which belongs to {quadrant}, is {found:?}"
            ));
        }
    }
    for quadrant in block.quadrants() {
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            let across = Quadrant::new(quadrant.x + dx, quadrant.y + dy);
            if block.contains(across) || !is_finished(across) {
                continue;
            }
            // All pixels on the canvas were looked at above; its pixels at the edge are there.
            let at_edge = |quadrants: i32, size: i32, step: i32| {
                quadrants * size + if step > 0 { size } else { step }
            };
            let x = left + at_edge(quadrant.x - block.top_left.x, width, dx);
            let y = top + at_edge(quadrant.y - block.top_left.y, height, dy);
            let shows = (0..2 * width).contains(&x) && (0..2 * height).contains(&y);
            if !shows {
                faults.push(format!("{block} does not show {across}, which is finished"));
            }
        }
    }
    faults
}

/// The canvas with everything but the block moved by half a quadrant along both axes.
fn shifted(sheet: &Sheet, block: Block, size: QuadrantSize) -> Sheet {
    let canvas = sheet.picture.to_rgba8();
    let (left, top) = sheet.block_at_px;
    let (width, height) = size.of_block(block);
    let moved = RgbaImage::from_fn(canvas.width(), canvas.height(), |x, y| {
        let is_own = (left..left + width).contains(&x) && (top..top + height).contains(&y);
        if is_own {
            *canvas.get_pixel(x, y)
        } else {
            let (dx, dy) = (size.width_px.div_ceil(2), size.height_px.div_ceil(2));
            *canvas.get_pixel((x + dx) % canvas.width(), (y + dy) % canvas.height())
        }
    });
    Sheet {
        picture: moved.into(),
        ..sheet.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_context_pixel_is_the_saved_one_and_every_finished_neighbour_shows(world in worlds()) {
        let surroundings = Surroundings::of(&world.queue());
        let mut all = Vec::new();
        let mut overlooked = 0;
        world.run(1, |queue, handle| {
            let finished = surroundings.finished_around(queue, handle).expect("its turn has come");
            let block = queue.item(handle).block;
            let sheet = world.canvas(block, &finished);
            all.extend(faults(&world, queue.items(), handle, &sheet));
            let arrangement = Arrangement::of(block, world.size, |q| finished.contains(&q));
            let shows_context = arrangement.places().any(|place| finished.contains(&place.quadrant));
            if shows_context && faults(&world, queue.items(), handle, &shifted(&sheet, block, world.size)).is_empty() {
                overlooked += 1;
            }
        });
        prop_assert_eq!(all, Vec::<String>::new());
        prop_assert_eq!(overlooked, 0, "a shifted context was taken for a right one");
    }

    #[test]
    fn what_a_canvas_shows_does_not_depend_on_timing(world in worlds()) {
        let surroundings = Surroundings::of(&world.queue());
        let mut shown: HashMap<Handle, Vec<Quadrant>> = HashMap::new();
        for order in 1..4 {
            // Each canvas may also be made as soon as what it shows is settled.
            let mut early: HashMap<Handle, Vec<Quadrant>> = HashMap::new();
            let mut faults = Vec::new();
            world.run(order, |queue, handle| {
                for upcoming in queue.upcoming() {
                    if let Some(finished) = surroundings.finished_around(queue, upcoming) {
                        early.entry(upcoming).or_insert(finished);
                    }
                }
                let finished = surroundings.finished_around(queue, handle).expect("its turn has come");
                if early[&handle] != finished {
                    faults.push(format!("{} was settled too early", queue.item(handle).block));
                }
                if *shown.entry(handle).or_insert_with(|| finished.clone()) != finished {
                    faults.push(format!("{} differs between two runs", queue.item(handle).block));
                }
            });
            prop_assert_eq!(faults, Vec::<String>::new());
        }
    }
}
