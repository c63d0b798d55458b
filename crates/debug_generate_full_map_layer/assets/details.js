// What the page tells of one block: the one under the pointer, or the one that was chosen.

class Details {
  constructor(map, plan, index, layer, rejected, command, address) {
    Object.assign(this, { map, plan, index, layer, rejected, command, address });
    this.card = document.getElementById("details");
    this.chosen = NO_ITEM;
    this.hovered = NO_ITEM;
    this.edge = null;
    const outline = (options) => L.polygon([], { interactive: false, fill: false, ...options }).addTo(map);
    this.hoverOutline = outline({ className: "hovered", weight: 2 });
    this.chosenOutline = outline({ className: "chosen", weight: 3 });
    this.edgeLine = L.polyline([], { interactive: false, className: "edge", weight: 5 }).addTo(map);
    map.on("mousemove", (event) => this.hover(this.itemAt(event.latlng)));
    map.on("mouseout", () => this.hover(NO_ITEM));
    map.on("click", (event) => this.choose(this.itemAt(event.latlng)));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.choose(NO_ITEM);
    });
    document.getElementById("close-details").addEventListener("click", () => this.choose(NO_ITEM));
  }

  /** The block at a place, unless it is switched off. */
  itemAt(latLng) {
    const { x, y } = gridAt(this.layer.placement, latLng);
    const item = this.index.itemAt(Math.floor(x), Math.floor(y));
    return item !== NO_ITEM && this.layer.visibility.shows(this.plan, item) ? item : NO_ITEM;
  }

  hover(item) {
    if (item === this.hovered) return;
    this.hovered = item;
    this.hoverOutline.setLatLngs(this.cornersOf(item));
    this.show();
  }

  /** Chooses a block; with `edge` another one that shares an edge with it, which is marked. */
  choose(item, edge = null) {
    this.chosen = item;
    this.edge = edge;
    if (item === NO_ITEM) this.onEnd?.();
    this.address.set("block", item === NO_ITEM ? null : `${this.plan.x[item]},${this.plan.y[item]}`);
    this.outline();
    this.show();
  }

  /** Puts the outlines where the blocks are. */
  outline() {
    this.chosenOutline.setLatLngs(this.cornersOf(this.chosen));
    this.hoverOutline.setLatLngs(this.cornersOf(this.hovered));
    this.edgeLine.setLatLngs(this.edge === null ? [] : this.sharedEdge(this.chosen, this.edge));
  }

  cornersOf(item) {
    const { plan } = this;
    if (item === NO_ITEM) return [];
    return cornersOf(this.layer.placement, plan.x[item], plan.y[item], plan.width[item], plan.height[item]);
  }

  /** The two ends of the edge between two blocks. */
  sharedEdge(a, b) {
    const { plan } = this;
    const fromX = Math.max(plan.x[a], plan.x[b]), fromY = Math.max(plan.y[a], plan.y[b]);
    const toX = Math.min(plan.x[a] + plan.width[a], plan.x[b] + plan.width[b]);
    const toY = Math.min(plan.y[a] + plan.height[a], plan.y[b] + plan.height[b]);
    return [[fromX, fromY], [toX, toY]].map(([x, y]) => latLngAt(this.layer.placement, x, y));
  }

  /** Fills the card; called again when the plan has changed. A chosen block's card stays. */
  show() {
    const item = this.chosen !== NO_ITEM ? this.chosen : this.hovered;
    this.card.hidden = item === NO_ITEM;
    this.card.classList.toggle("stays", this.chosen !== NO_ITEM);
    // Under the pointer alone there is no time to look.
    this.rejected.show(this.chosen);
    if (item === NO_ITEM) return;
    const rows = this.describe(item);
    const shape = JSON.stringify(rows);
    document.getElementById("close-details").hidden = this.chosen === NO_ITEM;
    this.card.dataset.state = STATES[this.plan.state[item]].key;
    // Text that is being marked stays while nothing changes.
    if (shape === this.shape) return;
    this.shape = shape;
    this.card.querySelector("h2").textContent =
      `${this.plan.width[item]}x${this.plan.height[item]} at (${this.plan.x[item]}, ${this.plan.y[item]})`;
    const list = this.card.querySelector("dl");
    list.replaceChildren();
    for (const [term, description, leadsTo] of rows) {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = term;
      if (leadsTo === undefined) dd.textContent = description;
      else dd.append(this.wayTo(description, leadsTo));
      list.append(dt, dd);
    }
  }

  wayTo(text, item) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "way";
    button.textContent = text;
    button.addEventListener("click", () => this.goTo(item));
    return button;
  }

  /** Chooses a block and flies to it. */
  goTo(item, edge = null) {
    this.choose(item, edge);
    goTo(this.map, edge === null ? this.cornersOf(item) : this.sharedEdge(item, edge));
  }

  describe(item) {
    const { plan } = this;
    const x = plan.x[item], y = plan.y[item], width = plan.width[item], height = plan.height[item];
    const quadrants = [];
    for (let dy = 0; dy < height; dy++) {
      for (let dx = 0; dx < width; dx++) quadrants.push(`(${x + dx}, ${y + dy})`);
    }
    const started = plan.startedAt[item], completed = plan.completedAt[item];
    const rows = [
      ["Status", STATES[plan.state[item]].label],
      ["Step", `${plan.step[item]} · ${STEPS[plan.step[item] - 1].label}`],
      [quadrants.length > 1 ? "Quadrants" : "Quadrant", quadrants.join(" ")],
      ["Item", `${plan.id[item]}`],
    ];
    if (plan.model[item] >= 0) rows.push(["Model", plan.models[plan.model[item]]]);
    if (!Number.isNaN(started)) rows.push(["Started", dateTime(started)]);
    if (!Number.isNaN(completed)) rows.push(["Finished", dateTime(completed)]);
    if (completed >= started) rows.push(["Took", inWords(completed - started)]);
    if (plan.message[item] >= 0) rows.push(["Error", plan.messages[plan.message[item]]]);
    if (plan.state[item] === FAILED) rows.push(["To retry", `${this.command} --retry-errors`]);
    if (plan.state[item] === WAITING) {
      for (const blocker of this.blockersOf(item)) {
        const place = `${plan.width[blocker]}x${plan.height[blocker]} at (${plan.x[blocker]}, ${plan.y[blocker]})`;
        rows.push(["Waits for", `${place}, which failed`, blocker]);
      }
    }
    return rows;
  }

  /** The failed blocks, at most three, that a waiting one waits for: it touches them, or one that
   *  waits for them, and comes after it in the order of generation. */
  blockersOf(item) {
    const { plan, index } = this, seen = new Set([item]), queue = [item], failed = [];
    for (let at = 0; at < queue.length && failed.length < 3; at++) {
      const of = queue[at], x = plan.x[of], y = plan.y[of], width = plan.width[of], height = plan.height[of];
      const around = [];
      for (let i = 0; i < width; i++) around.push([x + i, y - 1], [x + i, y + height]);
      for (let i = 0; i < height; i++) around.push([x - 1, y + i], [x + width, y + i]);
      for (const [x, y] of around) {
        const other = index.itemAt(x, y);
        if (other === NO_ITEM || other > of || seen.has(other)) continue;
        seen.add(other);
        if (plan.state[other] === FAILED) failed.push(other);
        else if (plan.state[other] === WAITING) queue.push(other);
      }
    }
    return failed.slice(0, 3);
  }
}

/** The search box: `x,y` flies to that quadrant and shows its block. */
function addSearch(plan, index, details, address) {
  const form = document.getElementById("search");
  const input = form.querySelector("input"), answer = document.getElementById("search-answer");
  const say = (text) => (answer.textContent = text);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    address.set("find", input.value.trim() || null);
    const numbers = input.value.match(/^\s*\(?\s*(-?\d{1,9})\s*[,;\s_]\s*(-?\d{1,9})\s*\)?\s*$/);
    if (!numbers) return say("Write a quadrant as x,y, for example 12,-3.");
    const [x, y] = [Number(numbers[1]), Number(numbers[2])];
    const item = index.itemAt(x, y);
    if (item === NO_ITEM) {
      const { minX, minY, maxX, maxY } = index.bounds;
      return say(`Quadrant (${x}, ${y}) is not in the plan, which spans ${minX},${minY} to ${maxX},${maxY}.`);
    }
    say("");
    details.goTo(item);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input")) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
  input.value = address.get("find") ?? "";
}

/** Flies so that the outline is seen with what is around it. */
function goTo(map, corners) {
  const bounds = L.latLngBounds(corners).pad(1.5);
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) map.fitBounds(bounds, { animate: false });
  else map.flyToBounds(bounds, { duration: 0.8 });
}
