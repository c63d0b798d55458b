// Pilots side by side, with each other, with the layer and with what it is made from.

const SIDE_BY_SIDE = { least: 2, most: 4 };
const SIDE_KEYS = {
  ArrowLeft: (side, by) => side.panes.move(by, 0), ArrowRight: (side, by) => side.panes.move(-by, 0),
  ArrowUp: (side, by) => side.panes.move(0, by), ArrowDown: (side, by) => side.panes.move(0, -by),
  "+": (side) => side.panes.zoom(1.25), "=": (side) => side.panes.zoom(1.25), "-": (side) => side.panes.zoom(0.8),
  0: (side) => side.fit(), x: (side) => side.exchange(),
};

class SideBySide {
  constructor(pilots, data, plan, index, own, address) {
    Object.assign(this, { pilots, plan, index, own, address });
    this.dialog = document.getElementById("side-by-side");
    this.panes = new SidePanes(document.getElementById("side-panes"), own.tilePx, (view) => this.keepInAddress(view));
    this.choices = [];
    this.figures = [];
    const bounds = index.bounds;
    const layerUrl = (x, y) => {
      const column = x - own.minX, row = y - own.minY, version = own.version(0, column, row);
      return version === undefined ? null : own.url(0, column, row, version);
    };
    this.fixed = [{ name: "layer", title: `The layer ${own.name}`, bounds, urlOf: layerUrl }];
    if (data.pilots.source) {
      // The server gives out what a pilot has drawn, and beside a file no more is copied.
      const has = (x, y) => this.pilots.sets.some((set) => set.has(x, y));
      const urlOf = (x, y) => (has(x, y) ? `${data.pilots.source}${x}_${y}.png` : null);
      this.fixed.push({ name: "source", title: "What it is made from", bounds, urlOf });
    }
    this.listen();
  }

  listen() {
    const { dialog } = this;
    dialog.addEventListener("close", () => {
      this.address.set("pilots", null);
      this.address.set("pilots_at", null);
      this.panes.pictures.holdOnly([]);
    });
    document.getElementById("open-pilots").addEventListener("click", () => this.open());
    dialog.addEventListener("keydown", (event) => {
      // The map and the desk hear nothing of it.
      event.stopPropagation();
      if (event.key === "Escape" && !event.target.matches("select")) {
        event.preventDefault();
        dialog.close();
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, pre, summary")) return;
      const action = SIDE_KEYS[event.key];
      if (!action) return;
      event.preventDefault();
      action(this, event.shiftKey ? 256 : 64);
    });
    const actions = {
      close: () => dialog.close(), in: () => this.panes.zoom(1.25), out: () => this.panes.zoom(0.8),
      fit: () => this.fit(), exchange: () => this.exchange(), more: () => this.setCount(this.choices.length + 1),
      fewer: () => this.setCount(this.choices.length - 1),
    };
    for (const button of dialog.querySelectorAll("[data-do]")) button.addEventListener("click", () => actions[button.dataset.do]());
  }

  /** All that can be shown. */
  sets() {
    return [...this.fixed, ...this.pilots.sets];
  }

  find(name) {
    return this.sets().find((set) => set.name === name) ?? this.fixed[0];
  }

  /** Opens it with this pilot, or the newest, beside the layer where that has pictures there. */
  open(name = this.pilots.sets[0].name) {
    const set = this.find(name), other = this.pilots.sets.find((one) => one.name !== name);
    const hasLayer = set.told && set.some((x, y) => this.fixed[0].urlOf(x, y));
    const beside = hasLayer ? "layer" : other?.name ?? this.fixed.at(-1).name;
    this.openWith([beside, name]);
  }

  openWith(names, at) {
    if (!this.dialog.open) this.dialog.showModal();
    this.setCount(names.length, names);
    if (at) this.panes.go(at);
    else this.fit();
    this.figures[0].querySelector("select").focus();
  }

  /** Opens it as the address says. */
  openFromAddress() {
    const names = this.address.get("pilots")?.split(",").slice(0, SIDE_BY_SIDE.most) ?? [];
    if (this.dialog.open || names.length < SIDE_BY_SIDE.least || this.pilots.sets.length === 0) return;
    const [x, y, side] = (this.address.get("pilots_at") ?? "").split(",").map(Number);
    this.openWith(names, [x, y, side].every(Number.isFinite) && side > 0 ? { x, y, side } : undefined);
  }

  setCount(count, names = this.choices) {
    count = Math.min(SIDE_BY_SIDE.most, Math.max(SIDE_BY_SIDE.least, count));
    while (this.figures.length > count) {
      this.figures.pop().remove();
      this.panes.removeLast();
    }
    while (this.figures.length < count) this.figures.push(this.build(this.figures.length));
    const all = this.sets();
    this.choices = this.figures.map((_, i) => names[i] ?? all[(i + 1) % all.length].name);
    this.dialog.querySelector("[data-do=more]").disabled = count === SIDE_BY_SIDE.most;
    this.dialog.querySelector("[data-do=fewer]").disabled = count === SIDE_BY_SIDE.least;
    this.update();
  }

  build(at) {
    const figure = document.createElement("figure");
    figure.innerHTML = '<figcaption><select></select><p></p><details><summary>Settings</summary><div><pre tabindex="0"></pre><button type="button">Copy</button><small>into generation_params; what an endpoint says itself of these would win there</small></div></details></figcaption>';
    const select = figure.querySelector("select"), button = figure.querySelector("button");
    select.setAttribute("aria-label", `What pane ${at + 1} shows`);
    select.addEventListener("change", () => {
      this.choices[at] = select.value;
      this.update();
    });
    button.addEventListener("click", () => this.copy(figure.querySelector("pre"), button));
    figure.append(this.panes.add());
    document.getElementById("side-panes").append(figure);
    return figure;
  }

  /** Shows what was chosen, as it is now. */
  update() {
    if (!this.dialog.open) return;
    const all = this.sets();
    this.figures.forEach((figure, i) => {
      const set = this.find(this.choices[i]), select = figure.querySelector("select");
      this.choices[i] = set.name;
      const shape = all.map(({ name }) => name).join();
      if (select.dataset.shape !== shape) {
        select.dataset.shape = shape;
        select.replaceChildren(...all.map(({ name, title }) => new Option(title, name)));
      }
      select.value = set.name;
      const told = set.told ? `${set.told.part} · ${set.figures()}` : "";
      Object.assign(figure.querySelector("p"), { textContent: told, title: told });
      const details = figure.querySelector("details");
      // Its room stays, so that all pictures begin at the same height.
      details.style.visibility = set.told ? "" : "hidden";
      if (!set.told) details.open = false;
      figure.querySelector("pre").textContent = set.told?.settings ?? "";
      this.panes.show(i, set);
    });
    this.keepInAddress(this.panes.view);
  }

  fit() {
    const bounds = this.choices.map((name) => this.find(name)).filter(({ told }) => told).map(({ bounds }) => bounds).filter(Boolean);
    const all = bounds.length > 0 ? bounds : [this.index.bounds];
    const of = (key, best) => Math[best](...all.map((bounds) => bounds[key]));
    this.panes.fit({ minX: of("minX", "min"), minY: of("minY", "min"), maxX: of("maxX", "max"), maxY: of("maxY", "max") });
  }

  /** The first pane and the second change places. */
  exchange() {
    [this.choices[0], this.choices[1]] = [this.choices[1], this.choices[0]];
    this.update();
  }

  copy(pre, button) {
    const say = (text) => {
      button.textContent = text;
      setTimeout(() => (button.textContent = "Copy"), 2000);
    };
    const mark = () => {
      getSelection().selectAllChildren(pre);
      say("Marked: copy it");
    };
    const copied = navigator.clipboard?.writeText(pre.textContent) ?? Promise.reject();
    copied.then(() => say("Copied"), mark);
  }

  keepInAddress({ x, y, side }) {
    if (!this.dialog.open || this.choices.length === 0) return;
    this.address.set("pilots", this.choices.join(","));
    this.address.set("pilots_at", [x.toFixed(3), y.toFixed(3), side.toFixed(2)].join(","));
  }
}

/** The list of pilots in the panel, and what it opens. */
function addPilots(data, plan, index, own, address) {
  let side;
  const changed = () => {
    listPilots(pilots, (name) => side.open(name));
    side.update();
    side.openFromAddress();
  };
  const pilots = new Pilots(data.pilots, Boolean(data.live), () => changed());
  side = new SideBySide(pilots, data, plan, index, own, address);
  changed();
  return side;
}
