// What there is to do: what failed, by its message; the edges that show most; what the endpoints did.

/** So much of a message that was cut tells its kind: where it was cut depends on the block's name. */
const KIND_CHARACTERS = 150;

/** A message without what tells one block from another. */
function kindOfMessage(message) {
  const kind = message
    .replace(/\b\dx\d at \(-?\d+, ?-?\d+\)(: )?/g, "")
    .replace(/\(-?\d+, ?-?\d+\)/g, "(x, y)")
    .replace(/-?\d+_-?\d+\.png/g, "x_y.png")
    .replace(/\d+(\.\d+)? ?m?s\b/g, "some time");
  return message.endsWith("…") ? `${kind.slice(0, KIND_CHARACTERS)}…` : kind;
}

class Lists {
  constructor(plan, tour, command) {
    Object.assign(this, { plan, tour, command });
    this.failures = document.getElementById("failures");
    this.edges = document.getElementById("edges");
    this.endpoints = document.getElementById("endpoints");
  }

  update(worstEdges, health) {
    this.listFailures();
    this.listEdges(worstEdges);
    this.listEndpoints(health.endpoints);
    const spent = this.endpoints.querySelector("p");
    spent.hidden = !health.spent;
    spent.textContent = health.spent ? `Spent: ${health.spent}` : "";
  }

  listFailures() {
    const { plan } = this, groups = new Map();
    for (let item = 0; item < plan.count; item++) {
      if (plan.state[item] !== FAILED) continue;
      const message = plan.messages[plan.message[item]] ?? "No reason is known.";
      const kind = kindOfMessage(message);
      if (!groups.has(kind)) groups.set(kind, { message, items: [] });
      groups.get(kind).items.push(item);
    }
    const sorted = [...groups].sort(([, a], [, b]) => b.items.length - a.items.length);
    const shape = sorted.map(([kind, { items }]) => `${kind} ${items}`).join("\n");
    this.failures.hidden = sorted.length === 0;
    // What somebody reads or points at stays while nothing changes.
    if (shape === this.shape) return;
    this.shape = shape;
    const all = sorted.reduce((sum, [, { items }]) => sum + items.length, 0);
    this.failures.querySelector("summary").textContent = `${number(all)} failed, for ${number(sorted.length)} ${sorted.length === 1 ? "reason" : "reasons"}`;
    this.failures.querySelector("ul").replaceChildren(...sorted.map(([kind, { items }]) => {
      const entry = document.createElement("li"), button = document.createElement("button"), text = document.createElement("p");
      button.type = "button";
      button.textContent = `${number(items.length)} ×`;
      button.title = "Go to the first; n and p lead on and back";
      text.textContent = kind;
      button.addEventListener("click", () => this.tour.start(items.map((item) => ({ item })), "failed so"));
      entry.append(button, text);
      return entry;
    }));
    this.failures.querySelector("code").textContent = `${this.command} --retry-errors`;
  }

  listEdges(worstEdges) {
    const { plan } = this;
    this.edges.hidden = worstEdges.length === 0;
    const shape = JSON.stringify(worstEdges);
    if (shape === this.edgesShape) return;
    this.edgesShape = shape;
    const place = (item) => `${plan.x[item]}, ${plan.y[item]}`;
    const stops = worstEdges.map(({ items, step }) => ({ item: items[1], other: items[0], step }));
    this.edges.querySelector("ol").replaceChildren(...stops.map(({ item, other, step }, at) => {
      const entry = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = `${step.toFixed(1)}: ${place(other)} and ${place(item)}`;
      button.addEventListener("click", () => this.tour.start(stops, "edges", at));
      entry.append(button);
      return entry;
    }));
  }

  listEndpoints(endpoints) {
    this.endpoints.hidden = endpoints.length === 0;
    this.endpoints.querySelector("tbody").replaceChildren(...endpoints.map(({ name, calls, failed, mean_s: mean }) => {
      const row = document.createElement("tr");
      for (const text of [name, number(calls), number(failed), mean === null ? "–" : inWords(mean)]) {
        row.insertCell().textContent = text;
      }
      return row;
    }));
  }
}
