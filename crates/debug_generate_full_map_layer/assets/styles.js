// How a block looks: its step is a colour, its state an opacity, a border and a sign.
//
// The signs (dashes, a cross, hatching) tell the states apart without any colour.

const STEP_COLORS = ["rgba(255, 99, 71, 0.4)", "rgba(50, 205, 50, 0.4)", "rgba(30, 144, 255, 0.4)"];
const STEP_RGB = [[255, 99, 71], [50, 205, 50], [30, 144, 255]];
const STATE_NAMES = ["pending", "running", "complete", "failed", "waiting on a failed one"];

/** Opacity of the fill and of the border, and the border's width in pixels, by state. */
const STATE_LOOKS = [
  { fill: 0.4, border: 0.75, width: 1 },
  { fill: 0.65, border: 1, width: 3 },
  { fill: 0.85, border: 1, width: 1 },
  { fill: 0.4, border: 1, width: 3 },
  { fill: 0.14, border: 0.6, width: 1 },
];

const DARK_PAGE = window.matchMedia("(prefers-color-scheme: dark)");

/** The colours of the signs, which stand out from the map on a light and on a dark page. */
function signColors() {
  return DARK_PAGE.matches
    ? { failed: [255, 92, 138], running: [255, 255, 255], runningGap: [20, 24, 32] }
    : { failed: [122, 0, 40], running: [17, 24, 39], runningGap: [255, 255, 255] };
}

function rgba([red, green, blue], alpha) {
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

/** A step's colour mixed with black, which marks where a finished block ends. */
function darker(rgb) {
  return rgb.map((channel) => Math.round(channel * 0.6));
}

/** The fill of a block, as CSS. */
function fillOf(step, state) {
  return state === PENDING ? STEP_COLORS[step - 1] : rgba(STEP_RGB[step - 1], STATE_LOOKS[state].fill);
}

/** The colour of a block's border as red, green, blue. */
function borderRgb(step, state) {
  if (state === FAILED) return signColors().failed;
  if (state === RUNNING) return signColors().running;
  return state === COMPLETE ? darker(STEP_RGB[step - 1]) : STEP_RGB[step - 1];
}

/** Which steps and states are switched on. */
class Visibility {
  constructor() {
    this.steps = [true, true, true];
    this.states = [true, true, true, true, true];
  }

  shows(plan, item) {
    return this.steps[plan.step[item] - 1] && this.states[plan.state[item]];
  }
}
