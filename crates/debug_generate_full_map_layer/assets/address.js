// What is looked at, in the address: `#zoom/lat/lng&key=value…`, so that a link shows the same.

class Address {
  constructor() {
    /** What stands behind the view, by key. */
    this.values = new Map();
    this.view = null;
    this.read();
  }

  read() {
    const [view, ...pairs] = location.hash.slice(1).split("&");
    const parts = view.split("/").map(Number);
    const isView = parts.length === 3 && parts.every(Number.isFinite) && Math.abs(parts[1]) <= 85.06;
    this.view = isView ? { zoom: parts[0], center: [parts[1], parts[2]] } : null;
    this.values = new Map(pairs.map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), text(pair.slice(at + 1))];
    }));
  }

  get(key) {
    return this.values.get(key);
  }

  /** Puts a value into the address, or takes it out where it is null. */
  set(key, value) {
    if (value === null) this.values.delete(key);
    else this.values.set(key, String(value));
    this.write();
  }

  setView(zoom, { lat, lng }) {
    this.view = { zoom: Number(zoom.toFixed(2)), center: [lat.toFixed(6), lng.toFixed(6)] };
    this.write();
  }

  write() {
    const pairs = [...this.values].map(([key, value]) => `&${key}=${encodeURIComponent(value).replaceAll("%2C", ",")}`);
    const view = this.view ? `${this.view.zoom}/${this.view.center.join("/")}` : "";
    const hash = `#${view}${pairs.join("")}`;
    this.hash = hash;
    if (this.resting) return;
    this.show();
    // Browsers refuse an address that changes too often.
    this.resting = setTimeout(() => {
      this.resting = null;
      this.show();
    }, 150);
  }

  show() {
    if (location.hash !== this.hash) history.replaceState(null, "", this.hash);
  }
}

/** What an encoded text says; a spoilt one as it stands. */
function text(encoded) {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
