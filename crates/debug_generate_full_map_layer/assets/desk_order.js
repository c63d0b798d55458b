// In which order blocks are judged: suspects first, then the rest. src/desk/order.rs decides it.

class DeskOrder {
  constructor(plan) {
    this.plan = plan;
    this.items = [];
    this.suspects = 0;
    this.places = new Map();
    this.why = new Map();
    this.takeOpen({ items: [], keep: 0, redo: 0, choose: 0 });
  }

  /** Takes over what the server says. */
  take({ suspects, rest, open }) {
    this.items = suspects.map(({ item }) => item);
    this.suspects = suspects.length;
    this.why = new Map(suspects.map(({ item, why }) => [item, why]));
    eachOf(rest, (item) => this.items.push(item));
    this.places = new Map(this.items.map((item, place) => [item, place]));
    this.takeOpen(open);
  }

  /** Takes over what is judged and still to be carried out. */
  takeOpen(open) {
    this.open = open;
    this.judged = new Set();
    eachOf(open.items, (item) => this.judged.add(item));
  }

  /** The next block that is not judged after `item`, which stood at `place` if it is gone; from the
   *  beginning again after the last. */
  after(item, place) {
    const [next] = this.ahead(item, place, 1, 1);
    return next ?? this.items.find((other) => other !== item && !this.judged.has(other)) ?? NO_ITEM;
  }

  /** The block before `item`, judged or not. */
  before(item, place) {
    return this.ahead(item, place, -1, 1)[0] ?? NO_ITEM;
  }

  /** The `count` blocks that come next in a direction. */
  ahead(item, place, step, count) {
    const at = this.places.get(item), found = [];
    const first = at === undefined ? place + Math.min(step, 0) : at + step;
    for (let next = first; next >= 0 && next < this.items.length && found.length < count; next += step) {
      if (step < 0 || !this.judged.has(this.items[next])) found.push(this.items[next]);
    }
    return found;
  }

  /** Where a block stands, in words. */
  placeInWords(item) {
    const place = this.places.get(item), others = this.items.length - this.suspects;
    if (place === undefined) return "Not to be judged";
    if (place < this.suspects) return `${number(place + 1)} of ${number(this.suspects)} ${this.suspects === 1 ? "suspect" : "suspects"}`;
    return `${number(place - this.suspects + 1)} of ${number(others)} others`;
  }

  /** Why a block is a suspect, a line each. */
  whyInWords(item, message) {
    const lines = (this.why.get(item) ?? []).map((why) => {
      if (why === "failed") return message ?? "It failed; no reason is known.";
      if (why.not_accepted) return `${number(why.not_accepted)} ${why.not_accepted === 1 ? "answer was" : "answers were"} not good enough`;
      return `edge ${why.edge.step.toFixed(1)} of 255 to ${why.edge.x},${why.edge.y}`;
    });
    return lines.slice(0, 4);
  }

  /** The block at the other side of the worst edge of a suspect. */
  worstNeighbour(item, index) {
    const edge = (this.why.get(item) ?? []).find((why) => why.edge)?.edge;
    return edge ? index.itemAt(edge.x, edge.y) : NO_ITEM;
  }

  countsInWords() {
    const { keep, redo, choose } = this.open;
    const left = this.items.length - this.judged.size;
    return `${number(keep)} kept · ${number(redo)} flagged · ${number(choose)} chosen · ${number(left)} not judged`;
  }
}
