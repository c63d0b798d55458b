// Pictures of one block side by side: one pixel of a picture is one of the page, with half a quadrant
// of the neighbours around, and all move together.

class DeskPanes {
  /** `blocks` tells where pictures are, `pictures` has them. */
  constructor(element, blocks, pictures, onSelect) {
    Object.assign(this, { element, blocks, pictures, onSelect });
    this.panes = [];
    this.isFit = false;
    this.selected = 0;
    this.offset = { x: 0, y: 0 };
    new ResizeObserver(() => this.place()).observe(element);
    element.addEventListener("pointerdown", (event) => this.grab(event));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** Shows a block. `focus`, in quadrants from its top left, comes to the middle where not all of it can
   *  be seen; without, what was looked at stays. */
  show(item, told, focus) {
    const { plan, own } = this.blocks, [width, height] = own.tilePx;
    const selected = focus ? null : this.choice();
    this.clear();
    this.item = item;
    /** The size of what is shown, and of the block in it. */
    this.size = { x: (plan.width[item] + 1) * width, y: (plan.height[item] + 1) * height };
    this.panes = this.blocks.panes(item, told).map((pane) => ({ ...pane, ...this.build(pane) }));
    this.element.replaceChildren(...this.panes.map(({ figure }) => figure));
    const unshown = this.blocks.unshown(told);
    if (unshown > 0) this.element.append(`and ${number(unshown)} earlier`);
    const isSelected = ({ choice }) => choice && selected && choice.from === selected.from && choice.version === selected.version;
    this.select(this.panes.find(isSelected)?.number ?? 0);
    if (focus) this.offset = { x: this.size.x / 2 - (focus.x + 0.5) * width, y: this.size.y / 2 - (focus.y + 0.5) * height };
    this.draw();
    this.place();
  }

  clear() {
    // Some ten megabytes each, which are given back at once.
    for (const { canvas } of this.panes) canvas.width = canvas.height = 0;
    this.panes = [];
    this.element.replaceChildren();
  }

  build(pane) {
    const { plan, own } = this.blocks, [width, height] = own.tilePx;
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    const view = document.createElement("div"), sheet = document.createElement("div"), mark = document.createElement("div");
    const canvas = document.createElement("canvas");
    figure.dataset.title = pane.title;
    caption.textContent = pane.title;
    if (pane.number) {
      const button = document.createElement("button"), key = document.createElement("kbd");
      key.textContent = pane.number;
      button.type = "button";
      button.append("Select ", key);
      button.setAttribute("aria-label", `Select ${pane.title}`);
      button.addEventListener("click", () => this.onSelect(pane.number));
      caption.append(button);
    }
    view.className = "view";
    sheet.className = "sheet";
    canvas.width = this.size.x;
    canvas.height = this.size.y;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${pane.title} of the block at ${plan.x[this.item]},${plan.y[this.item]}, with its neighbours`);
    // Outside of the block, so that no pixel at its edge is covered.
    mark.className = "mark";
    Object.assign(mark.style, { left: `${width / 2}px`, top: `${height / 2}px`, width: `${this.size.x - width}px`, height: `${this.size.y - height}px` });
    mark.append(...["", "", "", ""].map(() => document.createElement("i")));
    const empty = document.createElement("p");
    sheet.append(canvas, mark);
    view.append(sheet, empty);
    figure.append(caption, view);
    return { figure, view, sheet, canvas, empty };
  }

  /** Draws what is there of the pictures at `url`, or of all. */
  draw(url) {
    const [width, height] = this.blocks.own.tilePx;
    for (const pane of this.panes) {
      const context = pane.canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      let lacking = 0, gone = 0;
      for (const quadrant of this.blocks.quadrants(this.item)) {
        const at = this.blocks.urlIn(pane, quadrant), image = at ? this.pictures.get(at) : null;
        if (quadrant.isOwn && image === undefined) lacking++;
        if (quadrant.isOwn && image === null) gone++;
        if (!image || (url && at !== url)) continue;
        context.drawImage(image, (quadrant.dx + 0.5) * width, (quadrant.dy + 0.5) * height, width, height);
      }
      pane.empty.textContent = gone > 0 ? (pane.title === "Answer" ? "No answer is there" : "This picture is not there") : lacking > 0 ? "Loading…" : "";
    }
  }

  /** Puts the sheets where they belong. */
  place() {
    for (const { view, sheet } of this.panes) {
      const room = { x: view.clientWidth, y: view.clientHeight }, corner = view.getBoundingClientRect();
      const scale = this.isFit ? Math.min(1, room.x / this.size.x, room.y / this.size.y) : 1;
      const from = ["x", "y"].map((axis) => {
        const size = this.size[axis] * scale;
        // No further than to the sheet's edges.
        const most = Math.max(0, (size - room[axis]) / 2);
        const offset = Math.max(-most, Math.min(most, this.isFit ? 0 : this.offset[axis]));
        // From pixel to pixel of the page, of which a view may begin between two.
        return Math.round(corner[axis] + (room[axis] - size) / 2 + offset) - corner[axis];
      });
      sheet.style.transform = `translate(${from[0]}px, ${from[1]}px) scale(${scale})`;
    }
  }

  setFit(isFit) {
    this.isFit = isFit;
    this.element.classList.toggle("fit", isFit);
    this.place();
  }

  /** Moves all pictures, no further than there is something to see. */
  move(dx, dy) {
    const [first] = this.panes;
    if (!first) return;
    const most = { x: (this.size.x - first.view.clientWidth) / 2, y: (this.size.y - first.view.clientHeight) / 2 };
    const within = (offset, most) => Math.max(-Math.max(0, most), Math.min(Math.max(0, most), offset));
    this.offset = { x: within(this.offset.x + dx, most.x), y: within(this.offset.y + dy, most.y) };
    this.place();
  }

  grab(event) {
    const view = event.target.closest(".view");
    if (!view || event.button !== 0) return;
    let { clientX: x, clientY: y } = event;
    view.setPointerCapture(event.pointerId);
    const drag = (event) => {
      this.move(event.clientX - x, event.clientY - y);
      ({ clientX: x, clientY: y } = event);
    };
    view.addEventListener("pointermove", drag);
    view.addEventListener("lostpointercapture", () => view.removeEventListener("pointermove", drag), { once: true });
  }

  wheel(event) {
    // With Shift the row of panes is scrolled, and with Ctrl the page is zoomed.
    if (event.shiftKey || event.ctrlKey || !event.target.closest(".view")) return;
    event.preventDefault();
    this.move(-event.deltaX, -event.deltaY);
  }

  /** Selects the pane with this number; none with 0, or when there is no such pane. */
  select(wanted) {
    const chosen = this.panes.find(({ number }) => number === wanted && wanted > 0);
    this.selected = chosen?.number ?? 0;
    for (const pane of this.panes) pane.figure.classList.toggle("selected", pane === chosen);
    chosen?.figure.scrollIntoView({ block: "nearest", inline: "nearest" });
    return chosen ?? null;
  }

  /** What was selected to be chosen. */
  choice() {
    return this.panes.find(({ number }) => number === this.selected)?.choice ?? null;
  }
}
