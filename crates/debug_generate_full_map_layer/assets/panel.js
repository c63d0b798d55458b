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
  constructor(plan, name) {
    this.plan = plan;
    this.name = name;
    this.element = document.getElementById("panel");
    this.steps = document.getElementById("steps");
    this.states = document.getElementById("states");
    this.stepRows = STEPS.map(({ label }, i) => {
      const row = this.addRow(this.steps, `Step ${i + 1} · ${label}`, `step-${i + 1}`);
      const bar = document.createElement("span");
      bar.className = "bar";
      bar.append(document.createElement("i"), document.createElement("b"));
      row.querySelector(".count").before(bar);
      return row;
    });
    this.stateRows = STATES.map(({ label, key }) => this.addRow(this.states, label, key));
    this.paintSwatches();
    DARK_PAGE.addEventListener("change", () => this.paintSwatches());
    // On a phone the map comes first.
    if (window.matchMedia("(max-width: 640px)").matches) document.getElementById("panel-body").open = false;
  }

  addRow(parent, label, key) {
    const element = document.createElement("label");
    element.className = "row";
    element.dataset.key = key;
    element.innerHTML = '<input type="checkbox" checked><span class="sign"></span><span class="label"></span><button type="button" class="count"></button>';
    element.querySelector(".label").textContent = label;
    parent.append(element);
    return element;
  }

  /** Lets the switches and counts work on a map. */
  connect(layer, tour, address) {
    const off = new Set((address.get("off") ?? "").split(","));
    const connect = (row, shown, position, isOf) => {
      const box = row.querySelector("input"), { key } = row.dataset;
      shown[position] = box.checked = !off.has(key);
      box.addEventListener("change", () => {
        shown[position] = box.checked;
        if (box.checked) off.delete(key);
        else off.add(key);
        off.delete("");
        address.set("off", off.size > 0 ? [...off].join(",") : null);
        layer.restyle();
      });
      row.querySelector(".count").addEventListener("click", () => {
        const stops = [];
        for (let item = 0; item < this.plan.count; item++) if (isOf(item)) stops.push({ item });
        tour.start(stops, row.querySelector(".label").textContent);
      });
    };
    this.stepRows.forEach((row, i) => connect(row, layer.visibility.steps, i, (item) => this.plan.step[item] === i + 1));
    this.stateRows.forEach((row, i) => connect(row, layer.visibility.states, i, (item) => this.plan.state[item] === i));
    layer.restyle();
    const slider = document.getElementById("fade");
    slider.value = address.get("fade") ?? 100;
    const fade = () => layer.setPictureShare(slider.valueAsNumber / 100);
    fade();
    slider.addEventListener("input", () => {
      fade();
      address.set("fade", slider.valueAsNumber === 100 ? null : slider.value);
    });
  }

  paintSwatches() {
    this.stepRows.forEach((row, i) => (row.querySelector(".sign").innerHTML = swatch(i + 1, PENDING)));
    this.stateRows.forEach((row, i) => (row.querySelector(".sign").innerHTML = swatch(3, i)));
  }

  /** Shows the plan's progress as it stands, and how its run is doing. */
  update(health) {
    const counts = countStates(this.plan), { all } = counts;
    const percent = (part, whole) => (whole === 0 ? 0 : Math.floor((100 * part) / whole));
    const done = percent(all[COMPLETE], this.plan.count);
    document.title = `${done} % · ${this.name}`;
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
    document.getElementById("pace").textContent = this.pace(counts, health);
    this.tellRun(counts, health);
  }

  /** Whether a run is alive: its lock tells, which ends with it; rows do not. */
  tellRun({ all }, { alive }) {
    const isLeft = !alive && all[RUNNING] > 0;
    this.stateRows[RUNNING].querySelector(".label").textContent = isLeft ? "Left under way by a dead run" : STATES[RUNNING].label;
    const parts = [];
    if (alive) parts.push(`A run is under way: ${alive}.`);
    else if (isLeft) parts.push(`The run is dead: no process holds the layer, and ${number(all[RUNNING])} ${all[RUNNING] === 1 ? "block was" : "blocks were"} left under way. Run it again to go on.`);
    else if (all[COMPLETE] < this.plan.count) parts.push("No run is under way.");
    const last = this.plan.completedAt.reduce((last, at, item) => (this.plan.state[item] === COMPLETE && at > last ? at : last), -Infinity);
    if (last > 0) parts.push(`Last finished: ${dateTime(last)}.`);
    const element = document.getElementById("run");
    element.textContent = parts.join(" ");
    element.dataset.kind = alive ? "alive" : isLeft ? "dead" : "none";
  }

  pace(counts, health) {
    const { all } = counts;
    const left = all[PENDING] + all[RUNNING];
    const rate = estimateRate(this.plan, counts);
    const parts = [];
    if (rate && left > 0) {
      const perMinute = rate.perSecond * 60;
      parts.push(`${perMinute >= 10 ? Math.round(perMinute) : perMinute.toFixed(1)} blocks a minute`);
      parts.push(`about ${inWords(rate.secondsLeft)} ${health.alive ? "" : "of work "}left`);
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
