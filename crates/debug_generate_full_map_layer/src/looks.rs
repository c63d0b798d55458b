//! How blocks look: the one table that the map, its legend and its style sheet are drawn from.
//!
//! A block's step is a colour, its state an opacity, a border and a sign; the signs tell the
//! states apart without any colour. The page gets the table as JSON, and `assets/styles.js` reads
//! it; a state is known there by its place in it.

use serde::Serialize;

use crate::ItemState;

type Rgb = [u8; 3];

/// The looks of all blocks.
#[derive(Debug, Serialize)]
pub(crate) struct Looks {
    steps: [StepLook; 3],
    /// By the number of the state.
    states: [StateLook; ItemState::ALL.len()],
    /// The colours of the signs on a light page and on a dark one.
    signs: Signs<OnPages>,
}

#[derive(Debug, Serialize)]
struct StepLook {
    label: &'static str,
    rgb: Rgb,
}

#[derive(Debug, Serialize)]
struct StateLook {
    /// What the code calls it.
    key: &'static str,
    /// What the reader is told.
    label: &'static str,
    /// The opacity of the fill.
    fill: f32,
    /// The opacity of the border.
    border: f32,
    /// The border's width in pixels.
    width: u8,
    color: Border,
    /// The dashes of border and hatching: pixels drawn, pixels left out; none is a whole line.
    dashes: &'static [u8],
    sign: Option<Sign>,
    /// What is drawn later lies on top.
    drawn: u8,
    /// What marks the block where it is too small for its sign.
    mark: Option<Mark>,
    /// The tone of the whole block far out, in place of its step's.
    far: Option<Tone>,
}

/// What a border is drawn in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Border {
    Step,
    /// The step's colour mixed with black, which marks where a finished block ends.
    Darker,
    Running,
    Failed,
    Waiting,
}

/// The name of a sign's colour.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Tone {
    Running,
    Complete,
    Failed,
    Waiting,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Sign {
    Gaps,
    Cross,
    Hatching,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Dot,
    Cross,
}

/// The colours of the signs, which stand out from the map.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Signs<T> {
    failed: T,
    running: T,
    running_gap: T,
    waiting: T,
    complete: T,
}

/// A colour on a light page and on a dark one.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct OnPages {
    light: Rgb,
    dark: Rgb,
}

const FAILED: OnPages = OnPages {
    light: [122, 0, 40],
    dark: [255, 92, 138],
};

pub(crate) const LOOKS: Looks = Looks {
    steps: [
        StepLook {
            label: "2×2 blocks",
            rgb: [255, 99, 71],
        },
        StepLook {
            label: "strips",
            rgb: [50, 205, 50],
        },
        StepLook {
            label: "single quadrants",
            rgb: [30, 144, 255],
        },
    ],
    states: {
        let [a, b, c, d, e] = ItemState::ALL;
        [look_of(a), look_of(b), look_of(c), look_of(d), look_of(e)]
    },
    signs: Signs {
        failed: FAILED,
        running: OnPages {
            light: [17, 24, 39],
            dark: [255, 255, 255],
        },
        running_gap: OnPages {
            light: [255, 255, 255],
            dark: [20, 24, 32],
        },
        waiting: OnPages {
            light: [180, 83, 9],
            dark: [251, 191, 36],
        },
        complete: OnPages {
            light: [15, 118, 110],
            dark: [45, 212, 191],
        },
    },
};

const fn look_of(state: ItemState) -> StateLook {
    match state {
        ItemState::Pending => StateLook {
            key: "pending",
            label: "Pending",
            fill: 0.22,
            border: 0.5,
            width: 1,
            color: Border::Step,
            dashes: &[],
            sign: None,
            drawn: 0,
            mark: None,
            far: None,
        },
        ItemState::Running => StateLook {
            key: "running",
            label: "Running",
            fill: 0.65,
            border: 1.0,
            width: 3,
            color: Border::Running,
            dashes: &[],
            sign: Some(Sign::Gaps),
            drawn: 3,
            mark: Some(Mark::Dot),
            far: Some(Tone::Running),
        },
        ItemState::Complete => StateLook {
            key: "complete",
            label: "Complete",
            fill: 0.85,
            border: 1.0,
            width: 1,
            color: Border::Darker,
            dashes: &[],
            sign: None,
            drawn: 2,
            mark: None,
            far: Some(Tone::Complete),
        },
        ItemState::Failed => StateLook {
            key: "failed",
            label: "Failed",
            fill: 0.4,
            border: 1.0,
            width: 3,
            color: Border::Failed,
            dashes: &[],
            sign: Some(Sign::Cross),
            drawn: 4,
            mark: Some(Mark::Cross),
            far: Some(Tone::Failed),
        },
        ItemState::Waiting => StateLook {
            key: "waiting",
            label: "Waiting on a failed one",
            fill: 0.14,
            border: 0.9,
            width: 1,
            color: Border::Waiting,
            dashes: &[2, 3],
            sign: Some(Sign::Hatching),
            drawn: 1,
            mark: None,
            far: Some(Tone::Waiting),
        },
    }
}

/// The style sheet's colour of what failed.
pub(crate) fn style() -> String {
    let [light, dark] = [FAILED.light, FAILED.dark].map(|[r, g, b]| format!("rgb({r} {g} {b})"));
    format!(
        ":root {{ --failed: {light}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --failed: {dark}; }} }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_stands_at_its_number_and_is_drawn_at_a_turn_of_its_own() {
        for (number, state) in ItemState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, number);
            assert_eq!(LOOKS.states[number].key, look_of(state).key);
        }
        let mut turns = LOOKS.states.map(|look| look.drawn);
        turns.sort_unstable();
        assert_eq!(turns, [0, 1, 2, 3, 4]);
    }
}
