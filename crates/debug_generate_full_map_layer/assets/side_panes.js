// Pictures of the same part side by side, upright as they were drawn: all panes show the same place at
// the same scale and move together.

/** So many pictures are drawn at a time in all panes: each takes a megabyte. */
const MOST_DRAWN = 400;
/** So many more are held that were looked at before. */
const MOST_HELD = 200;
const LEAST_QUADRANT_PX = 4;
/** One pixel of a picture becomes so many of the page at most. */
const MOST_ENLARGED = 16;

class SidePanes {
  /** `tilePx` is the size of a quadrant's picture, `onMove` is told when the place has changed. */
  constructor(element, tilePx, onMove) {
    Object.assign(this, { element, tilePx, onMove });
    /** The place in the middle, in quadrants, and how wide a quadrant is on the page. */
    this.view = { x: 0, y: 0, side: 256 };
    this.panes = [];
    this.pointers = new Map();
    this.pictures = new HeldPictures(() => this.drawSoon());
    new ResizeObserver(() => this.drawSoon()).observe(element);
    DARK_PAGE.addEventListener("change", () => this.drawSoon());
    element.addEventListener("pointerdown", (event) => this.grab(event));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** The canvas of a pane more, to be put into the page. */
  add() {
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    this.panes.push({ canvas, set: null });
    return canvas;
  }

  removeLast() {
    const { canvas } = this.panes.pop();
    canvas.width = canvas.height = 0;
    this.drawSoon();
  }

  show(at, set) {
    this.panes[at].set = set;
    this.panes[at].canvas.setAttribute("aria-label", `${set.title}; arrow keys move it, plus and minus zoom`);
    this.drawSoon();
  }

  /** How high a quadrant is on the page. */
  get high() {
    return (this.view.side * this.tilePx[1]) / this.tilePx[0];
  }

  /** Shows all of `bounds`, or its middle where its pictures would be too many. */
  fit({ minX, minY, maxX, maxY }) {
    const [first] = this.panes, room = first ? { x: first.canvas.clientWidth, y: first.canvas.clientHeight } : { x: 0, y: 0 };
    const width = maxX - minX + 1, height = maxY - minY + 1, shape = this.tilePx[1] / this.tilePx[0];
    let side = Math.min(this.tilePx[0], (room.x - 16) / width, (room.y - 16) / height / shape);
    const least = Math.sqrt((room.x * room.y) / shape / (MOST_DRAWN / Math.max(1, this.panes.length))) * 1.2;
    if (width * height > MOST_DRAWN / Math.max(1, this.panes.length)) side = Math.max(side, least);
    this.go({ x: (minX + maxX + 1) / 2, y: (minY + maxY + 1) / 2, side });
  }

  go({ x, y, side }) {
    const most = MOST_ENLARGED * this.tilePx[0];
    this.view = { x, y, side: Math.min(most, Math.max(LEAST_QUADRANT_PX, side || 256)) };
    this.drawSoon();
    this.onMove(this.view);
  }

  move(dx, dy) {
    const { x, y, side } = this.view;
    this.go({ x: x - dx / side, y: y - dy / this.high, side });
  }

  /** Zooms by a factor, and leaves in its place what lies so far from the middle of a pane. */
  zoom(factor, dx = 0, dy = 0) {
    const { side, high } = { side: this.view.side, high: this.high };
    const at = { x: this.view.x + dx / side, y: this.view.y + dy / high };
    const most = MOST_ENLARGED * this.tilePx[0], next = Math.min(most, Math.max(LEAST_QUADRANT_PX, side * factor));
    const nextHigh = (next * this.tilePx[1]) / this.tilePx[0];
    this.go({ x: at.x - dx / next, y: at.y - dy / nextHigh, side: next });
  }

  fromMiddle(canvas, { clientX, clientY }) {
    const box = canvas.getBoundingClientRect();
    return [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
  }

  wheel(event) {
    const canvas = event.target.closest("canvas");
    if (!canvas || event.ctrlKey) return;
    event.preventDefault();
    const step = event.deltaMode === 1 ? 0.05 : 0.002;
    this.zoom(Math.exp(-event.deltaY * step), ...this.fromMiddle(canvas, event));
  }

  /** One finger or the mouse moves, two fingers zoom. */
  grab(event) {
    const canvas = event.target.closest("canvas");
    if (!canvas || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    const move = (event) => {
      const before = [...this.pointers.values()], last = this.pointers.get(event.pointerId);
      if (!last) return;
      const share = before.length;
      this.move((event.clientX - last.clientX) / share, (event.clientY - last.clientY) / share);
      if (share === 2) {
        const other = before.find(({ pointerId }) => pointerId !== event.pointerId);
        const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
        const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
        this.zoom(apart(event) / Math.max(1, apart(last)), ...this.fromMiddle(canvas, middle));
      }
      this.pointers.set(event.pointerId, event);
    };
    const end = (ended) => {
      if (ended.pointerId !== event.pointerId) return;
      this.pointers.delete(event.pointerId);
      canvas.removeEventListener("pointermove", follow);
      canvas.removeEventListener("lostpointercapture", end);
    };
    const follow = (moved) => moved.pointerId === event.pointerId && move(moved);
    canvas.addEventListener("pointermove", follow);
    canvas.addEventListener("lostpointercapture", end);
  }

  drawSoon() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  /** The quadrants that a canvas shows some of, as far as the map goes. */
  seen(canvas) {
    const { x, y, side } = this.view, wide = canvas.clientWidth / 2 / side, high = canvas.clientHeight / 2 / this.high;
    return { minX: Math.floor(x - wide), maxX: Math.ceil(x + wide) - 1, minY: Math.floor(y - high), maxY: Math.ceil(y + high) - 1 };
  }

  draw() {
    const shown = this.panes.filter(({ set, canvas }) => set && canvas.clientWidth > 0);
    const wanted = shown.map(({ set, canvas }) => {
      const urls = [], { minX, maxX, minY, maxY } = this.seen(canvas);
      const room = MOST_DRAWN / shown.length;
      // Far out there may be millions of places, and what is there fills few of them.
      if ((maxX - minX + 1) * (maxY - minY + 1) > 40 * room) return null;
      for (let y = minY; y <= maxY; y++) {
        for (let x = minX; x <= maxX; x++) {
          const url = set.urlOf(x, y);
          if (url) urls.push({ x, y, url });
        }
      }
      return urls.length <= room ? urls : null;
    });
    const urls = wanted.flatMap((places) => places?.map(({ url }) => url) ?? []);
    const earlier = [...this.pictures.held.keys()].slice(-MOST_HELD);
    this.pictures.holdOnly([...urls, ...earlier]);
    shown.forEach((pane, i) => this.drawPane(pane, wanted[i]));
  }

  drawPane({ canvas, set }, places) {
    const ratio = window.devicePixelRatio, width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d"), style = getComputedStyle(canvas);
    context.clearRect(0, 0, width, height);
    context.fillStyle = style.getPropertyValue("--line");
    const { side } = this.view, [wide, high] = [side * ratio, this.high * ratio];
    // From pixel to pixel of the screen, so that no line shows between two pictures.
    const left = (x) => Math.round((x - this.view.x) * wide + width / 2), top = (y) => Math.round((y - this.view.y) * high + height / 2);
    const say = (text) => {
      context.fillStyle = style.getPropertyValue("--ink-soft");
      context.font = `${13 * ratio}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.fillText(text, width / 2, height / 2, width - 16 * ratio);
    };
    if (!places) {
      if (set.bounds) context.fillRect(left(set.bounds.minX), top(set.bounds.minY), left(set.bounds.maxX + 1) - left(set.bounds.minX), top(set.bounds.maxY + 1) - top(set.bounds.minY));
      return say("Zoom in to see the pictures");
    }
    context.imageSmoothingEnabled = wide < this.tilePx[0];
    context.imageSmoothingQuality = "high";
    let gone = 0;
    for (const { x, y, url } of places) {
      const image = this.pictures.get(url), box = [left(x), top(y), left(x + 1) - left(x), top(y + 1) - top(y)];
      if (image) {
        context.drawImage(image, ...box);
        continue;
      }
      context.fillRect(...box);
      if (image !== null) continue;
      gone++;
      context.strokeStyle = style.getPropertyValue("--failed");
      context.lineWidth = ratio;
      context.beginPath();
      context.moveTo(box[0], box[1]);
      context.lineTo(box[0] + box[2], box[1] + box[3]);
      context.moveTo(box[0] + box[2], box[1]);
      context.lineTo(box[0], box[1] + box[3]);
      context.stroke();
    }
    canvas.dataset.shown = places.length - gone;
    canvas.dataset.gone = gone;
    if (places.length === 0) say("Nothing of it is here");
  }

  /** Whether all pictures in sight have come. */
  isSettled() {
    return !this.pending && this.pictures.isSettled();
  }
}
