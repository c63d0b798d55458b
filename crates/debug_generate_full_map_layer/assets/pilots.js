// Pilots that tried other settings: which there are, and the panel's list of them. src/pilots.rs writes
// what is read here.

const PILOTS_EVERY_MS = 3000;

/** When a pilot of this name, `20261122T140300Z`, began. */
function pilotTime(name) {
  const [, year, month, day, hour, minute, second] = name.match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/);
  return dateTime(Date.UTC(year, month - 1, day, hour, minute, second) / 1000);
}

/** Pictures of quadrants, side by side with others. */
class PilotSet {
  constructor(told, url) {
    Object.assign(this, { told, name: told.name, url });
    /** By row: the first column and the length of each run of pictures. */
    this.rows = new Map();
    this.count = 0;
    this.bounds = null;
    for (const [y, first, count] of told.rows) {
      if (!this.rows.has(y)) this.rows.set(y, []);
      this.rows.get(y).push([first, count]);
      this.count += count;
      const { minX, minY, maxX, maxY } = this.bounds ?? { minX: first, minY: y, maxX: first, maxY: y };
      this.bounds = { minX: Math.min(minX, first), minY: Math.min(minY, y), maxX: Math.max(maxX, first + count - 1), maxY: Math.max(maxY, y) };
    }
  }

  get title() {
    return `${pilotTime(this.name)} · ${this.told.tried}`;
  }

  has(x, y) {
    return (this.rows.get(y) ?? []).some(([first, count]) => x >= first && x < first + count);
  }

  urlOf(x, y) {
    return this.has(x, y) ? `${this.url}${this.name}/${x}_${y}.png` : null;
  }

  /** Whether there is a quadrant of it for which `holds` says so. */
  some(holds) {
    for (const [y, first, count] of this.told.rows) {
      for (let x = first; x < first + count; x++) if (holds(x, y)) return true;
    }
    return false;
  }

  /** What it came to, in words. */
  figures() {
    const { told } = this, parts = [`${number(this.count)} ${this.count === 1 ? "quadrant" : "quadrants"}`];
    if (told.failed > 0) parts.push(`${number(told.failed)} of ${number(told.blocks)} blocks failed`);
    // Of one that has no end nothing else is written down yet.
    if (["done", "ended"].includes(told.state)) {
      if (told.left > 0) parts.push(`${number(told.left)} of ${number(told.blocks)} blocks left out`);
      parts.push(`${number(told.calls)} ${told.calls === 1 ? "call" : "calls"}`);
    }
    if (told.cost) parts.push(told.cost);
    const state = { running: "under way", dead: "its run died", ended: told.reason ?? "ended early" }[told.state];
    return [...parts, state].filter(Boolean).join(" · ");
  }
}

class Pilots {
  /** `onChange` is told when there are others. */
  constructor(data, isLive, onChange) {
    Object.assign(this, { data, onChange });
    this.sets = [];
    this.troubles = [];
    this.more = 0;
    this.known = "none";
    if (data.told) this.take(data.told);
    else if (isLive) this.follow();
  }

  take({ pilots, more }) {
    const well = pilots.filter(({ trouble }) => !trouble);
    this.sets = well.map((told) => new PilotSet(told, this.data.url));
    this.troubles = pilots.filter(({ trouble }) => trouble).map(({ name, trouble }) => ({ name, trouble }));
    this.more = more;
  }

  /** Asks the server again and again, while the page is seen. */
  follow() {
    let next, isAsking = false;
    const ask = async () => {
      clearTimeout(next);
      if (isAsking || document.visibilityState !== "visible") return;
      isAsking = true;
      const answer = await answerTo(`${this.data.url}changes/${this.known}`);
      isAsking = false;
      next = setTimeout(ask, PILOTS_EVERY_MS);
      if (!answer?.told) return;
      this.known = answer.known;
      this.take(answer.told);
      this.onChange();
    };
    document.addEventListener("visibilitychange", ask);
    ask();
  }

  find(name) {
    return this.sets.find((set) => set.name === name);
  }
}

/** The panel's list of pilots; `open` shows one. */
function listPilots(pilots, open) {
  const element = document.getElementById("pilots"), { sets, troubles, more } = pilots;
  element.hidden = sets.length + troubles.length === 0;
  const shape = JSON.stringify([sets.map(({ told }) => told), troubles, more]);
  if (element.dataset.shape === shape) return;
  element.dataset.shape = shape;
  const count = sets.length + more;
  element.querySelector("summary").textContent = `${number(count)} ${count === 1 ? "pilot" : "pilots"} beside the layer`;
  element.querySelector(".buttons").hidden = sets.length === 0;
  const entry = (...parts) => {
    const entry = document.createElement("li");
    entry.append(...parts);
    return entry;
  };
  const line = (text, className = "") => Object.assign(document.createElement("p"), { textContent: text, className });
  element.querySelector("ul").replaceChildren(
    ...sets.map((set) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: pilotTime(set.name) });
      button.addEventListener("click", () => open(set.name));
      return entry(button, line(set.told.tried), line(set.figures(), "hint"));
    }),
    ...troubles.map(({ name, trouble }) => entry(line(`${pilotTime(name)}: ${trouble}`, "trouble"))),
    ...(more > 0 ? [entry(line(`and ${number(more)} earlier ones`, "hint"))] : []));
}
