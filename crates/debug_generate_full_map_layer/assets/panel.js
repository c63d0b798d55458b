// The panel: progress, legend and switches.

/** A block's look as a small picture, for the legend. */
function swatch(step, state) {
  const inset = STATES[state].width / 2;
  const right = 26 - inset, bottom = 16 - inset;
  const shapes = {
    outline: `M${inset} ${inset}H${right}V${bottom}H${inset}Z`,
    hatching: "M0 8L8 0M2 16L18 0M12 16L26 2M22 16L26 12",
    cross: "M8 4.5l10 7m0-7l-10 7",
  };
  const strokes = strokesOf(step, state).map(({ shape, color, width, dashes }) =>
    `<path d="${shapes[shape]}" fill="none" stroke="${color}" stroke-width="${width}" stroke-dasharray="${dashes.join(" ")}"/>`);
  return `<svg class="swatch" viewBox="0 0 26 16" width="26" height="16" aria-hidden="true">
    <rect width="26" height="16" fill="${fillOf(step, state)}"/>${strokes.join("")}</svg>`;
}

const number = (count) => count.toLocaleString("en");

class Panel {
  constructor(plan, layer, data) {
    this.plan = plan;
    this.data = data;
    this.element = document.getElementById("panel");
    this.steps = document.getElementById("steps");
    this.states = document.getElementById("states");
    this.buildRows(layer);
    DARK_PAGE.addEventListener("change", () => this.paintSwatches());
    const slider = document.getElementById("fade");
    slider.addEventListener("input", () => layer.setPictureShare(slider.valueAsNumber / 100));
    // On a phone the map comes first.
    if (window.matchMedia("(max-width: 640px)").matches) document.getElementById("panel-body").open = false;
  }

  buildRows(layer) {
    const row = (parent, label, shown, position) => {
      const element = document.createElement("label");
      element.className = "row";
      element.innerHTML = '<input type="checkbox" checked><span class="sign"></span><span class="label"></span><span class="count"></span>';
      element.querySelector(".label").textContent = label;
      element.querySelector("input").addEventListener("change", (event) => {
        shown[position] = event.target.checked;
        layer.restyle();
      });
      parent.append(element);
      return element;
    };
    this.stepRows = STEPS.map(({ label }, i) => {
      const element = row(this.steps, `Step ${i + 1} · ${label}`, layer.visibility.steps, i);
      const bar = document.createElement("span");
      bar.className = "bar";
      bar.append(document.createElement("i"), document.createElement("b"));
      element.querySelector(".count").before(bar);
      return element;
    });
    this.stateRows = STATES.map(({ label }, i) => row(this.states, label, layer.visibility.states, i));
    this.paintSwatches();
  }

  paintSwatches() {
    this.stepRows.forEach((row, i) => (row.querySelector(".sign").innerHTML = swatch(i + 1, PENDING)));
    this.stateRows.forEach((row, i) => (row.querySelector(".sign").innerHTML = swatch(3, i)));
  }

  /** Shows the plan's progress as it stands. */
  update() {
    const counts = countStates(this.plan), { all } = counts;
    const percent = (part, whole) => (whole === 0 ? 0 : Math.floor((100 * part) / whole));
    const done = percent(all[COMPLETE], this.plan.count);
    document.getElementById("percent").textContent = `${done} %`;
    document.getElementById("done").textContent =
      `${number(all[COMPLETE])} of ${number(this.plan.count)} blocks complete`;
    const overall = document.getElementById("overall");
    overall.setAttribute("aria-valuenow", done);
    overall.querySelector("i").style.width = `${(100 * all[COMPLETE]) / Math.max(1, this.plan.count)}%`;
    overall.querySelector("b").style.width = `${(100 * all[FAILED]) / Math.max(1, this.plan.count)}%`;
    this.stepRows.forEach((row, i) => {
      const states = counts.steps[i], total = states.reduce((sum, count) => sum + count, 0);
      const parts = [`${number(states[COMPLETE])}/${number(total)} (${percent(states[COMPLETE], total)} %)`];
      if (states[FAILED]) parts.push(`${number(states[FAILED])} failed`);
      row.querySelector(".count").textContent = parts.join(", ");
      row.querySelector(".bar i").style.width = `${(100 * states[COMPLETE]) / Math.max(1, total)}%`;
      row.querySelector(".bar b").style.width = `${(100 * states[FAILED]) / Math.max(1, total)}%`;
    });
    this.stateRows.forEach((row, i) => (row.querySelector(".count").textContent = number(all[i])));
    document.getElementById("pace").textContent = this.pace(counts);
  }

  pace(counts) {
    const { all } = counts;
    const left = all[PENDING] + all[RUNNING];
    const rate = estimateRate(this.plan, counts);
    const parts = [];
    if (rate && left > 0) {
      const perMinute = rate.perSecond * 60;
      parts.push(`${perMinute >= 10 ? Math.round(perMinute) : perMinute.toFixed(1)} blocks a minute`);
      if (all[RUNNING] > 0) parts.push(`about ${inWords(rate.secondsLeft)} left`);
    } else if (rate) {
      parts.push(`Took ${inWords(rate.seconds)}`);
    }
    if (all[FAILED] > 0) parts.push(`${number(all[FAILED])} failed`);
    if (all[WAITING] > 0) parts.push(`${number(all[WAITING])} waiting on them`);
    if (parts.length === 0) parts.push(left > 0 ? "Not started" : "");
    return parts.join(" · ");
  }

  /** Says whether the page is followed live, or how old it is. */
  setFreshness(text, kind) {
    const element = document.getElementById("freshness");
    element.textContent = text;
    element.dataset.kind = kind;
  }
}
