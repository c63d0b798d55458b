// What the page tells of one block: the one under the pointer, or the one that was chosen.

class Details {
  constructor(map, plan, index, geometry) {
    Object.assign(this, { map, plan, index, geometry });
    this.card = document.getElementById("details");
    this.chosen = NO_ITEM;
    this.hovered = NO_ITEM;
    const outline = (options) => L.polygon([], { interactive: false, fill: false, ...options }).addTo(map);
    this.hoverOutline = outline({ className: "hovered", weight: 2 });
    this.chosenOutline = outline({ className: "chosen", weight: 3 });
    map.on("mousemove", (event) => this.hover(this.itemAt(event.latlng)));
    map.on("mouseout", () => this.hover(NO_ITEM));
    map.on("click", (event) => this.choose(this.itemAt(event.latlng)));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.choose(NO_ITEM);
    });
    document.getElementById("close-details").addEventListener("click", () => this.choose(NO_ITEM));
  }

  itemAt({ lat, lng }) {
    return this.index.itemAt(
      Math.floor(this.geometry.gridX(lat, lng)), Math.floor(this.geometry.gridY(lat, lng)));
  }

  hover(item) {
    if (item === this.hovered) return;
    this.hovered = item;
    this.hoverOutline.setLatLngs(this.cornersOf(item));
    this.show();
  }

  choose(item) {
    this.chosen = item;
    this.chosenOutline.setLatLngs(this.cornersOf(item));
    this.show();
  }

  cornersOf(item) {
    const { plan } = this;
    if (item === NO_ITEM) return [];
    return this.geometry.corners(plan.x[item], plan.y[item], plan.width[item], plan.height[item]);
  }

  /** Fills the card; called again when the plan has changed. */
  show() {
    const item = this.hovered !== NO_ITEM ? this.hovered : this.chosen;
    this.card.hidden = item === NO_ITEM;
    if (item === NO_ITEM) return;
    document.getElementById("close-details").hidden = this.chosen === NO_ITEM;
    const title = this.card.querySelector("h2");
    title.textContent = `${this.plan.width[item]}x${this.plan.height[item]} at (${this.plan.x[item]}, ${this.plan.y[item]})`;
    this.card.dataset.state = STATES[this.plan.state[item]].key;
    const list = this.card.querySelector("dl");
    list.replaceChildren();
    for (const [term, description] of this.describe(item)) {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = term;
      dd.textContent = description;
      list.append(dt, dd);
    }
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
    return rows;
  }
}

/** The search box: `x,y` flies to that quadrant and chooses its block. */
function addSearch(map, plan, index, geometry, details) {
  const form = document.getElementById("search");
  const input = form.querySelector("input"), answer = document.getElementById("search-answer");
  const say = (text) => (answer.textContent = text);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const numbers = input.value.match(/^\s*\(?\s*(-?\d{1,9})\s*[,;\s_]\s*(-?\d{1,9})\s*\)?\s*$/);
    if (!numbers) return say("Write a quadrant as x,y, for example 12,-3.");
    const [x, y] = [Number(numbers[1]), Number(numbers[2])];
    const item = index.itemAt(x, y);
    if (item === NO_ITEM) {
      const { minX, minY, maxX, maxY } = index.bounds;
      return say(`Quadrant (${x}, ${y}) is not in the plan, which spans ${minX},${minY} to ${maxX},${maxY}.`);
    }
    say("");
    details.choose(item);
    goTo(map, geometry.corners(plan.x[item], plan.y[item], plan.width[item], plan.height[item]));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input")) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}

/** Flies so that the outline is seen with what is around it. */
function goTo(map, corners) {
  const bounds = L.latLngBounds(corners).pad(1.5);
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) map.fitBounds(bounds, { animate: false });
  else map.flyToBounds(bounds, { duration: 0.8 });
}
