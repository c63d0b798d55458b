//! Whether a model's answer is good enough.
//!
//! What an answer is judged by is remembered in a few dozen kilobytes when the canvas is sent: the
//! source of each quadrant as [`cells`] and [`patches`], and [`edges`]. Each check looks at some of
//! that, and one that has too little to go by says nothing.

mod border_left;
mod cells;
mod color;
mod drift;
mod edges;
mod patches;
mod seam;
mod solid;
mod unchanged;

use std::borrow::Cow;
use std::fmt;

use image::math::Rect;
use image::{DynamicImage, RgbImage};
use layer::{AcceptConfig, CanvasConfig, Check};

use crate::sheet::Sheet;
use cells::Cells;
pub use color::{Looked, Palette, Stranger};
use edges::Edge;
use patches::Patch;
pub use seam::Step;

/// What the answer to a canvas is judged by.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    quadrants: Vec<Remembered>,
    edges: Vec<Edge>,
}

/// The source of one quadrant.
#[derive(Debug, Clone)]
struct Remembered {
    /// Where it stands on the canvas.
    part: Rect,
    cells: Cells,
    patches: Vec<Patch>,
}

/// Something that is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// What it was looked at for.
    pub check: Check,
    /// What was found, in the unit of the check.
    pub measured: f64,
    /// What would have been accepted at most.
    pub limit: f64,
}

/// What is to be said about an answer.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// What is wrong with it too unless the source has it: see [`Judgement::settle`].
    pub in_doubt: Vec<Step>,
    /// What is to be learned from it if it is accepted.
    pub looked: Looked,
}

impl Expected {
    /// What the answer to `sheet` is judged by, which has its frame and not yet its border.
    pub(crate) fn of(sheet: &Sheet, config: &CanvasConfig, accept: &AcceptConfig) -> Self {
        let picture = match &sheet.picture {
            DynamicImage::ImageRgb8(picture) => Cow::Borrowed(picture),
            other => Cow::Owned(other.to_rgb8()),
        };
        let border_px = if sheet.to_draw.is_empty() {
            0
        } else {
            config.border_px
        };
        let of_quadrant = |&part: &Rect| {
            let cells = Cells::of(&picture, part);
            let needs_patches = accept.unchanged.or(accept.drift).is_some();
            let patches = if needs_patches {
                patches::pick(&picture, part, &cells, border_px)
            } else {
                Vec::new()
            };
            Remembered {
                part,
                cells,
                patches,
            }
        };
        let needs_cells = accept.solid.or(accept.unchanged).or(accept.drift);
        let quadrants = if needs_cells.or(accept.color).is_some() {
            sheet.quadrants.iter().map(of_quadrant).collect()
        } else {
            Vec::new()
        };
        Self {
            quadrants,
            edges: edges::of(sheet, &picture, border_px, config.border_color, accept),
        }
    }

    /// Judges an answer of the canvas's size.
    pub(crate) fn judge(
        &self,
        answer: &RgbImage,
        accept: &AcceptConfig,
        palette: &Palette,
    ) -> Judgement {
        let quadrants = || self.quadrants.iter();
        let drawn: Vec<Cells> = quadrants()
            .map(|quadrant| Cells::of(answer, quadrant.part))
            .collect();
        let pairs = || {
            let sources = quadrants().map(|quadrant| &quadrant.cells);
            sources.zip(&drawn)
        };
        let mut judgement = Judgement::default();
        for check in Check::ALL {
            let Some(limit) = accept.limit(check) else {
                continue;
            };
            let measured = match check {
                Check::Solid => worst(pairs().map(|(source, drawn)| solid::share(source, drawn))),
                Check::Unchanged => {
                    let of_quadrants = quadrants().zip(&drawn);
                    worst(of_quadrants.map(|(source, drawn)| {
                        unchanged::likeness(answer, &source.cells, drawn, &source.patches)
                    }))
                }
                Check::BorderLeft => worst(
                    self.edges
                        .iter()
                        .map(|edge| border_left::share(edge, answer)),
                ),
                Check::Drift => {
                    let patches: Vec<&Patch> =
                        quadrants().flat_map(|quadrant| &quadrant.patches).collect();
                    drift::distance_px(&patches, answer)
                }
                Check::Color => {
                    judgement.looked = Looked::of(pairs());
                    palette.distance(&judgement.looked)
                }
                Check::Seam => {
                    let steps = self.edges.iter().filter_map(|edge| Step::of(edge, answer));
                    judgement.in_doubt = steps.filter(|step| step.at_most() > limit).collect();
                    None
                }
            };
            judgement.find(check, measured, limit);
        }
        judgement
    }
}

/// The largest number of those that there are.
fn worst(measured: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    measured.flatten().reduce(f64::max)
}

impl Judgement {
    /// Whether nothing is wrong with the answer, and nothing is in doubt.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.is_empty() && self.in_doubt.is_empty()
    }

    /// Finds out what was in doubt: `source_of` gives the source of the neighbour at a step as
    /// canvases show it, where there is one.
    pub fn settle(&mut self, accept: &AcceptConfig, source_of: impl Fn(&Step) -> Option<RgbImage>) {
        let in_doubt = std::mem::take(&mut self.in_doubt);
        let measured = in_doubt
            .iter()
            .map(|step| step.measured(source_of(step).as_ref()));
        if let Some(limit) = accept.seam {
            self.find(Check::Seam, measured.reduce(f64::max), limit);
        }
    }

    /// Adds what was measured where it is beyond its limit.
    fn find(&mut self, check: Check, measured: Option<f64>, limit: f64) {
        if let Some(measured) = measured.filter(|&measured| measured > limit) {
            self.findings.push(Finding {
                check,
                measured,
                limit,
            });
        }
    }

    /// How bad the answer is beside others: 1 for each finding, and 1 more for one that could not be
    /// worse.
    #[must_use]
    pub fn badness(&self) -> f64 {
        let beyond = |finding: &Finding| {
            let most = finding.check.most() - finding.limit;
            let beyond = finding.measured - finding.limit;
            1.0 + if most > 0.0 {
                (beyond / most).min(1.0)
            } else {
                1.0
            }
        };
        self.findings.iter().map(beyond).sum()
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_good() {
            return f.write_str("nothing is wrong with it");
        }
        for (index, finding) in self.findings.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{finding}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            check,
            measured,
            limit,
        } = *self;
        let (percent, most) = (100.0 * measured, 100.0 * limit);
        match check {
            Check::Solid => write!(
                f,
                "it is nearly of one colour ({percent:.0} % of what the source draws is not drawn; at most {most:.0} %)"
            ),
            Check::Unchanged => write!(
                f,
                "the input came back ({percent:.0} % like it; at most {most:.0} %)"
            ),
            Check::BorderLeft => write!(
                f,
                "the border was left in ({percent:.0} % of its line; at most {most:.0} %)"
            ),
            Check::Drift => write!(f, "it lies {measured:.1} px aside (at most {limit:.1} px)"),
            Check::Color => write!(
                f,
                "its colours are not the layer's ({measured:.0} levels away; at most {limit:.0})"
            ),
            Check::Seam => write!(
                f,
                "it does not join its neighbour (a step {percent:.0} % of that between unrelated pictures; at most {most:.0} %)"
            ),
        }
    }
}
