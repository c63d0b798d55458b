// How a block looks, from the one table of it (src/looks.rs): its step is a colour, its state an
// opacity, a border and a sign.

const LOOKS = JSON.parse(document.getElementById("looks").textContent);
const { steps: STEPS, states: STATES } = LOOKS;

/** What an item can be in, by the number that stands for it. */
const [PENDING, RUNNING, COMPLETE, FAILED, WAITING] = ["pending", "running", "complete", "failed", "waiting"]
  .map((key) => STATES.findIndex((look) => look.key === key));

const DARK_PAGE = window.matchMedia("(prefers-color-scheme: dark)");

/** The colour of a sign, which stands out from the map on a light and on a dark page. */
function signRgb(name) {
  return LOOKS.signs[name][DARK_PAGE.matches ? "dark" : "light"];
}

function rgba([red, green, blue], alpha) {
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

/** The fill of a block, as CSS. */
function fillOf(step, state) {
  return rgba(STEPS[step - 1].rgb, STATES[state].fill);
}

/** The colour of a block's border as red, green, blue. */
function borderRgb(step, state) {
  const { rgb } = STEPS[step - 1], { color } = STATES[state];
  if (color === "step") return rgb;
  return color === "darker" ? rgb.map((channel) => Math.round(channel * 0.6)) : signRgb(color);
}

/** The fill of a block far out: red, green, blue, and opacity. */
function farFill(step, state) {
  const { far, fill } = STATES[state];
  return far ? { rgb: signRgb(far), alpha: 0.92 } : { rgb: STEPS[step - 1].rgb, alpha: fill };
}

/** What is stroked on a block's fill, one over the other: the shape ("outline", "hatching",
 *  "cross"), its colour as CSS, its width and its dashes. */
function strokesOf(step, state) {
  const { sign, width, dashes, border } = STATES[state];
  const color = rgba(borderRgb(step, state), border);
  const outline = { shape: "outline", color, width, dashes };
  switch (sign) {
    case "hatching": return [{ ...outline, shape: "hatching" }, outline];
    case "gaps": return [outline, { ...outline, color: rgba(signRgb("runningGap"), 1), dashes: [5, 5] }];
    case "cross": return [outline, { shape: "cross", color, width: 2, dashes }];
    default: return [outline];
  }
}

/** Which steps and states are switched on. */
class Visibility {
  constructor() {
    this.steps = STEPS.map(() => true);
    this.states = STATES.map(() => true);
  }

  /** Whether nothing is switched off. */
  showsAll() {
    return [...this.steps, ...this.states].every(Boolean);
  }

  shows(plan, item) {
    return this.steps[plan.step[item] - 1] && this.states[plan.state[item]];
  }
}
